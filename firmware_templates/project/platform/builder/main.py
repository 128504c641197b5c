# SPDX-License-Identifier: 0BSD
"""How PlatformIO builds and uploads a bare-metal image with the arm-none-eabi-gcc of PATH."""

import sys

from SCons.Script import AlwaysBuild, Builder, Default, DefaultEnvironment

env = DefaultEnvironment()
board = env.BoardConfig()

env.Replace(
    AR="arm-none-eabi-gcc-ar",
    AS="arm-none-eabi-gcc",
    CC="arm-none-eabi-gcc",
    CXX="arm-none-eabi-g++",
    OBJCOPY="arm-none-eabi-objcopy",
    RANLIB="arm-none-eabi-gcc-ranlib",
    SIZETOOL="arm-none-eabi-size",
    ARFLAGS=["rcs"],
    PROGSUFFIX=".elf",
    SIZEPROGREGEXP=r"^(?:\.vectors|\.text|\.data|\.ARM\.exidx)\s+(\d+).*",
    SIZEDATAREGEXP=r"^(?:\.data|\.bss|\.stack|\.arena)\s+(\d+).*",
    SIZECHECKCMD="$SIZETOOL -A -d $SOURCES",
    SIZEPRINTCMD="$SIZETOOL -B -d $SOURCES",
)
env.Append(
    # Debug information must not depend on where the project lies; nor, by $( and $), whether an object is up to date.
    CCFLAGS=["-g", "$(", '"-ffile-prefix-map=$PROJECT_DIR=."', "$)"],
    BUILDERS={
        "ElfToBin": Builder(
            action=env.VerboseAction("$OBJCOPY -O binary $SOURCES $TARGET", "Building $TARGET"), suffix=".bin"
        )
    },
)

elf = env.BuildProgram()
image = env.ElfToBin("$BUILD_DIR/${PROGNAME}", elf)
env.AddPlatformTarget("size", elf, env.VerboseAction("$SIZEPRINTCMD", "Size of $SOURCE"), "Program size")

protocol = env.subst("$UPLOAD_PROTOCOL")
openocd_board = board.get("upload.openocd_board", "")
if protocol == "stlink" and openocd_board:
    command = f'openocd -f board/{openocd_board}.cfg -c "program {{$SOURCE}} verify reset exit"'
    upload = [env.VerboseAction(command, "Uploading $SOURCE")]
else:

    def refuse(target: object, source: object, env: object) -> None:  # noqa: ARG001  (SCons' signature)
        """PlatformIO would call an upload by an unknown protocol a success."""
        sys.stderr.write(f"Error: this project uploads by stlink only, not by '{protocol}'; or use 'tinyperf flash'\n")
        sys.exit(1)

    upload = [refuse]
AlwaysBuild(env.AddPlatformTarget("upload", elf, upload, "Upload"))
Default([elf, image])
