# SPDX-License-Identifier: 0BSD
"""PlatformIO's package tool-scons, as the SCons that is installed beside PlatformIO itself."""

import sys

try:
    import SCons.Script
except ImportError:
    sys.exit("Error: SCons is not installed beside PlatformIO; try: python -m pip install 'scons==4.11.*'")

if __name__ == "__main__":
    SCons.Script.main()
