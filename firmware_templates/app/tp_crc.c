/* SPDX-License-Identifier: 0BSD */
#include "tp_crc.h"

/* Of the sixteen values of four bits: 64 bytes, and five times as fast as bit by bit. */
static const uint32_t nibbles[16] = {
    0x00000000U, 0x1DB71064U, 0x3B6E20C8U, 0x26D930ACU, 0x76DC4190U, 0x6B6B51F4U, 0x4DB26158U, 0x5005713CU,
    0xEDB88320U, 0xF00F9344U, 0xD6D6A3E8U, 0xCB61B38CU, 0x9B64C2B0U, 0x86D3D2D4U, 0xA00AE278U, 0xBDBDF21CU,
};

uint32_t tp_crc32(uint32_t crc, const uint8_t *bytes, size_t count)
{
    crc = ~crc;
    for (size_t i = 0U; i < count; i++) {
        crc ^= bytes[i];
        crc = (crc >> 4U) ^ nibbles[crc & 15U];
        crc = (crc >> 4U) ^ nibbles[crc & 15U];
    }
    return ~crc;
}
