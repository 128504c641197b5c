"""L2_POOL_2D."""

from __future__ import annotations

from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._float_pool import pooled
from tinyperf.engines.aot.operators._pool import channels_stay, random_pooling
from tinyperf.engines.aot.operators._rules import activation_is_known
from tinyperf.engines.aot.operators._window import images_have_four_dimensions, window_fits

OPERATOR = Operator(
    kind="L2_POOL_2D",
    each_image=True,
    arity=Arity(1, 1),
    rules=(images_have_four_dimensions, channels_stay, window_fits, activation_is_known),
    types=(Typed(("float32",), lower=pooled("l2"), sample=random_pooling("L2_POOL_2D")),),
)
