/* SPDX-License-Identifier: 0BSD */
/* CRC-32 as in zlib: polynomial 0xEDB88320 reflected, all ones in and out. */
#ifndef TP_CRC_H
#define TP_CRC_H

#include <stddef.h>
#include <stdint.h>

/* Of `count` bytes behind those that gave `crc`; 0 before the first. */
uint32_t tp_crc32(uint32_t crc, const uint8_t *bytes, size_t count);

#endif
