"""SUB in portable C: the kernel of ADD."""

from tinyperf.engines.aot.kernels import Kernel
from tinyperf.engines.aot.kernels.add import emit, forms
from tinyperf.engines.aot.operators.sub import Sub

KERNEL = Kernel("sub", Sub, "tp_add.h", forms, emit, costs={"element": 60.0})
