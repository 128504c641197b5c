# SPDX-License-Identifier: 0BSD
"""PlatformIO development platform: no packages, no frameworks, the compiler of PATH."""

from platformio.public import PlatformBase


class TinyperfcortexmPlatform(PlatformBase):
    """PlatformIO finds this class by the platform's name."""
