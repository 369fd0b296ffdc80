"""How well a PTZ camera is kept on targets: the product beside a stop-look-move tracker and beside an oracle."""

from benchmarks.ptz.suite import run

__all__ = ["run"]
