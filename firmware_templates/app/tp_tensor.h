/* SPDX-License-Identifier: 0BSD */
/* Bytes of the wire into the input tensors, output tensors into the text of the results. */
#ifndef TP_TENSOR_H
#define TP_TENSOR_H

#include <stdbool.h>
#include <stdint.h>

enum tp_type { TP_BOOL, TP_INT8, TP_UINT8, TP_INT16, TP_INT32, TP_UINT32, TP_INT64, TP_FLOAT32 };

/* An output tensor. Of integers that are `quantized`: real = scale * (code - zero point). */
struct tp_output {
    enum tp_type type;
    uint32_t elements;
    bool quantized;
    float scale;
    int32_t zero_point;
};

/* `wire`: TP_INPUT_BYTES bytes as the host sent them. */
void tp_tensor_load(const uint8_t *wire);

/* The m-results line, of the output tensors and (anomaly detection) the input as sent. */
void tp_tensor_results(const uint8_t *wire);

#endif
