"""A list of named checks, run in order, one line of result each."""
import sys
import time
import traceback


class Checks:
    def __init__(self, title):
        self.title, self.passed, self.failed = title, 0, 0
        print(f"{title}", flush=True)

    def run(self, name, check, *arguments):
        """Runs one check; what it returns is printed as its detail. A failure is told and counted."""
        began = time.monotonic()
        try:
            detail = check(*arguments)
        except Exception as error:  # whatever a foreign library raises is this check's failure
            self.failed += 1
            print(f"  FAILED  {name}: {error!r}", flush=True)
            traceback.print_exc()
            return
        self.passed += 1
        seconds = time.monotonic() - began
        print(f"  ok      {name}{f': {detail}' if detail else ''} ({seconds:.1f} s)", flush=True)

    def finish(self):
        print(f"  {self.title}: {self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(1 if self.failed else 0)
