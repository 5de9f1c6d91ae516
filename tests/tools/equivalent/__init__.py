"""Mutants that no test can tell from the engine, and why: what ``mutate.py`` expects to survive.

Each name of a mutant has its reason in one line.
"""

from equivalent.batches import BATCHES
from equivalent.emitted import EMITTED
from equivalent.engine import ENGINE
from equivalent.guards import GUARDS
from equivalent.instructions import INSTRUCTIONS
from equivalent.lanes import LANES
from equivalent.loops import LOOPS
from equivalent.lowered import LOWERED
from equivalent.machines import MACHINES
from equivalent.passes import PASSES
from equivalent.programs import PROGRAMS
from equivalent.pytrees import PYTREES
from equivalent.scans import SCANS
from equivalent.special import SPECIAL
from equivalent.steps import STEPS
from equivalent.traces import TRACES
from equivalent.transforms import TRANSFORMS

EQUIVALENT = {
    **BATCHES,
    **EMITTED,
    **ENGINE,
    **GUARDS,
    **INSTRUCTIONS,
    **LANES,
    **LOOPS,
    **LOWERED,
    **MACHINES,
    **PASSES,
    **PROGRAMS,
    **PYTREES,
    **SCANS,
    **SPECIAL,
    **STEPS,
    **TRACES,
    **TRANSFORMS,
}
