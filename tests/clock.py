"""How much a call goes on working after it should have ended.

A machine that runs tests is busy with other things, so that seconds on the wall say little. What
counts is the processor time that this process uses after the moment of the time limit, or of the
signal: it is the same on a busy machine.
"""

import os
import signal
import threading
import time

import rnndyn as rd

#: Sanitizer builds are some ten times slower.
SLOWER = 10.0 if "LD_PRELOAD" in os.environ else 1.0


# Names are imported when they are first used, which must not be while the clock runs.
for _name in rd.__all__:
    getattr(rd, _name)


def allowed(limit=0.0):
    """Return the seconds beyond a time limit that are promised: 20 %, or 0.3 s."""
    return SLOWER * max(0.3, 0.2 * limit)


def _used_after(seconds, call, also):
    """Call, do something else after some seconds; return the processor time from then on."""
    at_that_moment = []

    def note():
        at_that_moment.append(time.process_time())
        also()

    timer = threading.Timer(seconds, note)
    timer.start()
    try:
        result = call()
        end = time.process_time()
    finally:
        timer.cancel()
        timer.join()
    return (end - at_that_moment[0] if at_that_moment else 0.0), result


def overrun(call, limit):
    """Return the processor time used beyond the limit, and the result."""
    return _used_after(limit, call, lambda: None)


def used_after_interrupt(call, seconds):
    """Press Ctrl-C after some seconds; return the processor time used from then on, and the result.

    A call that ends before is no test of anything: `call` should take for ever.
    """
    used, result = _used_after(seconds, call, lambda: os.kill(os.getpid(), signal.SIGINT))
    return used, result
