"""Made-up identifiers and telephone numbers of countries, with valid check digits. Each names the definition it follows."""
import string

NIF_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
# Values of characters at odd places of an Italian tax code (decree of 23 December 1976, table).
ITALIAN_ODD = dict(zip(string.digits + string.ascii_uppercase,
                       [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]))
# National numbers as they are written inland, with their trunk prefix: # is a digit, N one of 2 to 9. From the countries' numbering plans.
TELEPHONES = {
    "de": ["030 N#######", "0151 N#######", "089/N######", "(0221) N######"], "fr": ["06 ## ## ## ##", "01.N#.##.##.##", "07########"],
    "gb": ["020 7946 0###", "07### ######", "0161 496 0###"], "es": ["6## ### ###", "91 ### ## ##"], "it": ["06 N### ####", "347 ### ####", "02 N#######"],
    "nl": ["06-N#######", "020-N######"], "be": ["0470 ## ## ##", "02 N## ## ##"], "at": ["0664 N######", "01 N######"],
    "ch": ["079 N## ## ##", "044 N## ## ##"], "pl": ["601 ### ###", "22 N## ## ##"], "se": ["070-### ## ##", "08-N## ## ##"],
    "dk": ["20 ## ## ##", "31######"], "no": ["912 ## ###", "22 ## ## ##"], "fi": ["040 N######", "050 N## ####"],
    "au": ["0412 ### ###", "(02) 9### ####"], "nz": ["021 N## ####", "09 N## ####"], "jp": ["090-N###-####", "03-N###-####"],
    "br": ["(11) 9N###-####", "(21) 3###-####"], "in": ["098### #####", "98### #####"], "cn": ["138 #### ####", "010-N#######"],
    "mx": ["55 N### ####"], "za": ["082 N## ####"], "ru": ["8 912 N##-##-##", "8 (495) N##-##-##"], "tr": ["0532 N## ## ##"], "kr": ["010-N###-####"],
}


def check_sum(digits, weights):
    return sum(int(digit) * weight for digit, weight in zip(digits, weights))


class National:
    """Mixed into Secrets; a method per placeholder."""

    def telephone(self, country):
        form = self.rng.choice(TELEPHONES[country])
        return "".join(self.rng.choice({"#": string.digits, "N": "23456789"}.get(mark, mark)) for mark in form)

    def kvnr(self):
        """Germany, health insurance number: § 290 SGB V; the letter as two digits, weights 1 and 2, sums of digits, modulo 10."""
        letter, body = self.rng.choice(string.ascii_uppercase), self.num("8")
        products = (int(digit) * weight for digit, weight in zip(f"{ord(letter) - 64:02}{body}", (1, 2) * 5))
        return f"{letter}{body}{sum(value // 10 + value % 10 for value in products) % 10}"

    def steuer_id(self):
        """Germany, tax id: § 139b AO; one digit of the first ten stands twice, check digit of ISO 7064 MOD 11,10."""
        digits = list("0123456789")
        while True:
            self.rng.shuffle(digits)
            body = digits[:9] + [self.rng.choice(digits[:9])]
            self.rng.shuffle(body)
            if body[0] != "0":
                break
        product = 10
        for digit in body:
            total = (int(digit) + product) % 10 or 10
            product = total * 2 % 11
        return "".join(body) + str((11 - product) % 10)

    def au_medicare(self):
        """Australia: eight digits, the first 2 to 6; weights 1 3 7 9, modulo 10; an issue number."""
        body = self.rng.choice("23456") + self.num("7")
        return f"{body}{check_sum(body, (1, 3, 7, 9) * 2) % 10}{self.rng.randint(1, 9)}"

    def tfn(self):
        """Australia, tax file number: weights 1 4 3 7 5 8 6 9 10, modulo 11."""
        while True:
            digits = self.digits(9)
            if check_sum(digits, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0:
                return digits

    def nir(self):
        """France, social security number: sex, year, month, department, commune, order; key 97 − n mod 97."""
        body = f"{self.rng.randint(1, 2)}{self.num('2')}{self.rng.randint(1, 12):02}{self.rng.randint(1, 95):02}{self.rng.randint(1, 500):03}{self.rng.randint(1, 999):03}"
        return f"{body}{97 - int(body) % 97:02}"

    def dni(self):
        """Spain: eight digits and a letter by modulo 23."""
        digits = self.digits(8)
        return digits + NIF_LETTERS[int(digits) % 23]

    def nie(self):
        """Spain, foreigners: X, Y, Z stand for 0, 1, 2."""
        first, digits = self.rng.randint(0, 2), self.num("7")
        return "XYZ"[first] + digits + NIF_LETTERS[int(f"{first}{digits}") % 23]

    def codice_fiscale(self):
        """Italy, tax code: names, year, month, day, municipality and a check letter."""
        letters = lambda count: self.of("BCDFGLMNPRSTV", count)
        body = (letters(3) + letters(3) + self.num("2") + self.rng.choice("ABCDEHLMPRST") + f"{self.rng.choice([0, 40]) + self.rng.randint(1, 28):02}"
                + self.rng.choice("ABCDEFGHL") + f"{self.rng.randint(1, 900):03}")
        even = dict(zip(string.digits + string.ascii_uppercase, [*range(10), *range(26)]))
        total = sum((even if place % 2 else ITALIAN_ODD)[mark] for place, mark in enumerate(body))
        return body + string.ascii_uppercase[total % 26]

    def bsn(self):
        """Netherlands, citizen service number: weights 9 to 2 and −1, modulo 11."""
        while True:
            digits = self.digits(9)
            if check_sum(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0:
                return digits

    def pesel(self):
        """Poland: date of birth, order, weights 1 3 7 9, modulo 10."""
        body = f"{self.rng.randint(40, 99)}{self.rng.randint(1, 12):02}{self.rng.randint(1, 28):02}{self.num('4')}"
        return f"{body}{-check_sum(body, (1, 3, 7, 9) * 3) % 10}"

    def cpf(self):
        """Brazil: nine digits and two check digits, modulo 11."""
        digits = self.digits(9)
        for size in (10, 11):
            rest = check_sum(digits, range(size, 1, -1)) * 10 % 11
            digits += str(rest % 10)
        return f"{digits[:3]}.{digits[3:6]}.{digits[6:9]}-{digits[9:]}" if self.rng.random() < .6 else digits

    def my_number(self):
        """Japan: eleven digits; weights 2 to 7 and 2 to 6 from the right, modulo 11."""
        body = self.digits(11)
        rest = check_sum(reversed(body), (2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6)) % 11
        return body + str(0 if rest <= 1 else 11 - rest)

    def nhs(self):
        """United Kingdom: weights 10 to 2, modulo 11."""
        while True:
            body = self.digits(9)
            check = -check_sum(body, range(10, 1, -1)) % 11
            if check < 10:
                return f"{body[:3]} {body[3:6]} {body[6:]}{check}"

    def nino(self):
        return f"{self.rng.choice(['AB', 'CE', 'JK', 'PR', 'SN'])} {self.num('2')} {self.num('2')} {self.num('2')} {self.rng.choice('ABCD')}"

    def sin(self):
        """Canada: Luhn."""
        body = self.rng.choice("1234567") + self.num("7")
        total = sum(value // 10 + value % 10 for value in (int(digit) * weight for digit, weight in zip(body, (1, 2) * 4)))
        digits = f"{body}{-total % 10}"
        return f"{digits[:3]}-{digits[3:6]}-{digits[6:]}"
