"""What masctl generates: completion scripts, the man page, the reference in the documentation."""

import os
import pathlib
import shutil
import subprocess

from harness import MasTestCase, main


class GeneratedTest(MasTestCase):
    """Completion, man page and reference: they name every command and are what their programs take."""

    def commands(self, *path):
        """Every command's words, from --help."""
        done = self.masctl(*path, "--help")
        lines = done.stdout.split("Subcommands:\n")
        if len(lines) == 1:
            return [path]
        names = [line.split()[0] for line in lines[1].split("\n\n")[0].splitlines() if line.startswith("  ")
                 and not line.startswith("   ")]
        return [found for name in names for found in self.commands(*path, name)]

    def write(self, name, *args):
        path = self.dir / name
        path.write_text(self.masctl(*args).stdout)
        return str(path)

    def run_tool(self, *argv):
        if shutil.which(argv[0]) is None:
            self.skipTest(f"{argv[0]} is not installed")
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30, env={**os.environ, "HOME": str(self.dir)})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_every_command_is_in_all_of_them(self):
        commands = self.commands()
        self.assertGreaterEqual(len(commands), 16)
        for args in (["completion", "bash"], ["completion", "zsh"], ["completion", "fish"], ["reference"]):
            text = self.masctl(*args).stdout
            for command in commands:
                self.assertIn("masctl " + " ".join(command), text, args)
        page = self.masctl("man").stdout
        for command in commands:
            self.assertIn('.SS "masctl ' + " ".join(command).replace("-", "\\-") + '"', page)

    def test_the_man_page_is_clean(self):
        page = self.write("masctl.1", "man")
        self.assertEqual(self.run_tool("mandoc", "-T", "lint", "-W", "warning", page), "")
        self.assertEqual(self.run_tool("sh", "-c", f"man --warnings -E UTF-8 -l -Tutf8 -Z {page} > /dev/null"), "")

    def test_bash_completes(self):
        script = self.write("masctl.bash", "completion", "bash")
        def words(*line):
            quoted = " ".join(f"'{word}'" for word in line)
            return self.run_tool("bash", "-c", f"source {script}; COMP_WORDS=({quoted}); COMP_CWORD={len(line) - 1}; "
                                               '_masctl; printf "%s\\n" "${COMPREPLY[@]}"').split()
        self.assertIn("agents", words("masctl", ""))
        self.assertEqual(words("masctl", "age"), ["agents"])
        self.assertIn("list", words("masctl", "--json", "agents", ""))
        self.assertEqual(words("masctl", "agents", "list", "--cap"), ["--capability"])
        self.assertEqual(words("masctl", "completion", "z"), ["zsh"])

    def test_zsh_and_fish_take_their_scripts(self):
        self.run_tool("zsh", "-n", self.write("_masctl", "completion", "zsh"))
        script = self.write("masctl.fish", "completion", "fish")
        offered = self.run_tool("fish", "-c", f"source {script}; complete -C 'masctl agents l'")
        self.assertIn("list", offered)

    def test_the_documentation_holds_the_reference(self):
        guide = pathlib.Path(__file__).resolve().parents[2] / "docs/MASCTL.md"
        reference = self.masctl("reference").stdout
        self.assertTrue(guide.read_text("utf-8").endswith(reference), "run: masctl reference, and put it at the end of docs/MASCTL.md")


if __name__ == "__main__":
    main()
