/* SPDX-License-Identifier: 0BSD */
/* By this the RP2350's boot ROM knows a program: a block in the first 4 KiB of flash. The program begins at the vector table
 * at the start of flash, since nothing here says otherwise. RP2350 datasheet, 5.9. */
#include <stdint.h>

#define BLOCK_START 0xFFFFDED3U
#define BLOCK_END 0xAB123579U
#define IMAGE_TYPE 0x42U /* an item of one word */
#define IMAGE_TYPE_EXE 0x0001U
#define IMAGE_TYPE_SECURE 0x0020U
#define IMAGE_TYPE_RP2350 0x1000U /* and its Arm cores, which are 0 */
#define LAST 0xFFU                /* after so many words of items */

const uint32_t tp_image_def[5] __attribute__((section(".image_def"), used)) = {
    BLOCK_START,
    IMAGE_TYPE | 1U << 8U | (IMAGE_TYPE_EXE | IMAGE_TYPE_SECURE | IMAGE_TYPE_RP2350) << 16U,
    LAST | 1U << 8U,
    0U, /* the only block: the next is itself */
    BLOCK_END,
};
