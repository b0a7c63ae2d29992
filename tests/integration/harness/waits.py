"""How long each message waited: from the moment its sender tried to send it until its receiver has handled it and its
sender has the receipt. Read from the lines of mas-ledger-agent, as they are written.

A wait while something is broken is as long as that; what counts is what a message waited beside it: extra().
"""


class Waits:
    """A message is (sender, number). Times are the monotonic clock's, as the agents' are."""

    def __init__(self):
        self._offsets = {}    # process → how much of its output was read
        self._tried = {}      # message → (time, process, target)
        self._messages = {}   # message id → message
        self._accepted = set()
        self._receipts = {}   # message → time; of a refusal, too
        self._handled = {}    # message → time of the first time
        self._due = set()     # messages that are not done
        self._done = {}       # message → (since, until)

    def follow(self, agents):
        """Reads what is new. @param agents id → its processes."""
        for agent_id, processes in agents.items():
            for process in processes:
                for line in self._new_lines(process):
                    self._take(agent_id, process, line.split(" "))
        self._settle()

    def due(self, before):
        """Messages that were tried before that time and are not done. Whoever was killed waits for no receipt."""
        return {message for message in self._due if self._tried[message][0] < before}

    def extra(self, windows, now):
        """(seconds, message, since, until) for each message: what it waited outside of the windows, which are
        (begin, end, ids) of what was broken, for these agents or (None) for all. One that is not done waits until now."""
        still_due = {message: (self._tried[message][0], now) for message in self._due}
        pairs = {}  # sender and target → its windows
        found = []
        for message, (since, until) in {**self._done, **still_due}.items():
            pair = {message[0], self._tried[message][2]}
            key = frozenset(pair)
            if key not in pairs:
                pairs[key] = sorted((begin, end) for begin, end, ids in windows if ids is None or pair & set(ids))
            found.append((until - since - _shared(pairs[key], since, until), message, since, until))
        return found

    # ---- inside

    def _new_lines(self, process):
        if not process.out_path.exists():
            return []
        with open(process.out_path, "rb") as file:
            file.seek(self._offsets.get(process, 0))
            new = file.read()
        whole = new[:new.rfind(b"\n") + 1]
        self._offsets[process] = self._offsets.get(process, 0) + len(whole)
        return whole.decode("utf-8", "replace").splitlines()

    def _take(self, agent_id, process, words):
        if words[0] == "try":
            message = agent_id, int(words[1])
            self._tried[message] = float(words[3]), process, words[2]
            self._due.add(message)
        elif words[0] == "sent":
            self._messages[words[2]] = agent_id, int(words[1])
        elif words[0] == "receipt":
            message = self._messages[words[1]]
            self._receipts[message] = float(words[2])
            if words[3] == "ok":
                self._accepted.add(message)
        elif words[0] == "got":
            self._handled.setdefault((words[1], int(words[2])), float(words[4]))

    def _settle(self):
        for message in list(self._due):
            since, process, _ = self._tried[message]
            receipt, handled = self._receipts.get(message), self._handled.get(message)
            if receipt is None and process.running():
                continue
            if message in self._accepted and handled is None:
                continue
            self._due.discard(message)
            times = [time for time in (receipt, handled) if time is not None]
            if times:  # else its sender was killed before it was accepted, as far as anybody knows
                self._done[message] = since, max(times)


def _shared(windows, since, until):
    """How much of a time lies in windows, which are sorted and may overlap."""
    shared, at = 0.0, since
    for begin, end in windows:
        begin, end = max(begin, at), min(end, until)
        if end > begin:
            shared += end - begin
            at = end
    return shared
