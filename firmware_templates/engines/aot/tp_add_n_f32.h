/* SPDX-License-Identifier: 0BSD */
/* ADD_N of floats. In place over any of its inputs. */
#ifndef TP_ADD_N_F32_H
#define TP_ADD_N_F32_H

#include "tp_float.h"

TP_KERNEL void tp_add_n_f32(int32_t elements, int32_t count, const float *const inputs[], float *output)
{
    for (int32_t i = 0; i < elements; i++) {
        float sum = 0.0f;
        for (int32_t j = 0; j < count; j++) {
            sum += inputs[j][i];
        }
        output[i] = sum;
    }
}

#endif
