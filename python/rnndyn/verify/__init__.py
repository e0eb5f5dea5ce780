"""The independent checker of certificates: small, exact, and without any code of the search.

All that decides is computed with Python's integers and fractions; NumPy arrays are only unpacked.
What a confirmed certificate means is stated in ``docs/reference/certificate.md``.
"""

from rnndyn.verify._chaos import verify_chaos
from rnndyn.verify._check import verify
from rnndyn.verify._compositions import verify_orders
from rnndyn.verify._exact_map import fingerprint
from rnndyn.verify._verdict import Verdict

__all__ = ["Verdict", "fingerprint", "verify", "verify_chaos", "verify_orders"]
