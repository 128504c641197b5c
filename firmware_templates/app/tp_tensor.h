/* SPDX-License-Identifier: 0BSD */
/* Bytes of the wire into the input tensor, output tensor into the text of the results. */
#ifndef TP_TENSOR_H
#define TP_TENSOR_H

#include <stdint.h>

/* `wire`: TP_INPUT_BYTES bytes as the host sent them. */
void tp_tensor_load(const uint8_t *wire);

/* The m-results line, of the output tensor and (anomaly detection) the input as sent. */
void tp_tensor_results(const uint8_t *wire);

#endif
