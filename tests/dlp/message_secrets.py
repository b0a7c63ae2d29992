from message_values import Facts
class Secrets(Facts):
    pass
