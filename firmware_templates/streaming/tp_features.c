/* SPDX-License-Identifier: 0BSD */
/* Pre-emphasis, Hamming window, FFT of 1024 real numbers, power, 40 mel filters, decibels, codes. The tables are the
 * host's; no multiplication is fused with an addition, so that every computer gives the same codes. */
#include "tp_features.h"

#include <string.h>

#include "tp_config.h"
#include "tp_features_tables.h"

#define FRAME (2U * TP_HOP_SAMPLES)
#define POINTS 512U /* of the complex FFT: even samples are its real, odd ones its imaginary parts */
#define RADIX 8U
#define SQRT_HALF 0.70710678f
#define LEAST 1e-30f
#define DECIBELS_PER_OCTAVE 3.01029996f

struct complex {
    float re;
    float im;
};

static float emphasized[FRAME]; /* the newest half last */
static float last_sample;
static struct complex points[POINTS];
static float power[POINTS + 1U];

static inline struct complex add(struct complex a, struct complex b)
{
    return (struct complex){a.re + b.re, a.im + b.im};
}

static inline struct complex sub(struct complex a, struct complex b)
{
    return (struct complex){a.re - b.re, a.im - b.im};
}

static inline struct complex mul(struct complex a, struct complex b)
{
    return (struct complex){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

/* times -i */
static inline struct complex turned(struct complex a)
{
    return (struct complex){a.im, -a.re};
}

/* Four points in steps of two: out[k] = sum of in[m] * exp(-2 pi i k m / 4). */
static inline void four(const struct complex *in, struct complex out[4])
{
    const struct complex sum = add(in[0], in[4]);
    const struct complex difference = sub(in[0], in[4]);
    const struct complex odd_sum = add(in[2], in[6]);
    const struct complex odd_difference = turned(sub(in[2], in[6]));

    out[0] = add(sum, odd_sum);
    out[1] = add(difference, odd_difference);
    out[2] = sub(sum, odd_sum);
    out[3] = sub(difference, odd_difference);
}

/* x[0], x[step], ... x[7 * step] become their transform, each times its twiddle factor exp(-2 pi i k turn / 512). */
static inline void butterfly(struct complex *x, size_t step, size_t turn)
{
    struct complex in[RADIX];
    struct complex even[4];
    struct complex odd[4];

    /* Unrolled, so that all eight points stay in registers. */
#pragma GCC unroll 8
    for (size_t m = 0U; m < RADIX; m++) {
        in[m] = x[m * step];
    }
    four(&in[0], even);
    four(&in[1], odd);
    odd[1] = (struct complex){SQRT_HALF * (odd[1].re + odd[1].im), SQRT_HALF * (odd[1].im - odd[1].re)};
    odd[2] = turned(odd[2]);
    odd[3] = (struct complex){SQRT_HALF * (odd[3].im - odd[3].re), -SQRT_HALF * (odd[3].re + odd[3].im)};
    x[0] = add(even[0], odd[0]);
#pragma GCC unroll 8
    for (size_t k = 1U; k < RADIX; k++) {
        const struct complex value = k < 4U ? add(even[k], odd[k]) : sub(even[k - 4U], odd[k - 4U]);
        const float *const factor = &tp_twiddles[2U * k * turn];

        x[k * step] = turn == 0U ? value : mul(value, (struct complex){factor[0], factor[1]});
    }
}

/* Decimation in frequency: point k ends at the place whose three digits to base 8 are those of k reversed. */
static void transform(void)
{
    for (size_t length = POINTS; length > 1U; length /= RADIX) {
        const size_t step = length / RADIX;

        for (size_t j = 0U; j < step; j++) {
            for (size_t begin = j; begin < POINTS; begin += length) {
                butterfly(&points[begin], step, j * (POINTS / length));
            }
        }
    }
}

static inline struct complex point(size_t k)
{
    return points[(k & 7U) << 6U | (k & 0x38U) | k >> 6U];
}

static inline float squared(struct complex a)
{
    return (a.re * a.re + a.im * a.im) * (1.0f / (float)FRAME);
}

/* The spectrum of the real numbers from that of the complex ones; only its power is kept. */
static void split(void)
{
    const struct complex first = point(0U);

    power[0] = squared((struct complex){first.re + first.im, 0.0f});
    power[POINTS] = squared((struct complex){first.re - first.im, 0.0f});
    power[POINTS / 2U] = squared(point(POINTS / 2U));
    for (size_t k = 1U; k < POINTS / 2U; k++) {
        const struct complex a = point(k);
        const struct complex b = point(POINTS - k);
        const struct complex even = {0.5f * (a.re + b.re), 0.5f * (a.im - b.im)};
        const struct complex odd = {0.5f * (a.im + b.im), 0.5f * (b.re - a.re)};
        const struct complex rest = mul(odd, (struct complex){tp_half_turns[2U * k], tp_half_turns[2U * k + 1U]});

        power[k] = squared(add(even, rest));
        power[POINTS - k] = squared(sub(even, rest));
    }
}

/* The binary logarithm of a normal number, to about 3e-8: its exponent, and a series in (m - 1) / (m + 1). */
static float log2_of(float value)
{
    uint32_t bits;
    int32_t exponent;
    float mantissa;
    float ratio;
    float square;

    memcpy(&bits, &value, sizeof bits);
    exponent = (int32_t)(bits >> 23U) - 127;
    bits = (bits & 0x7FFFFFU) | 0x3F800000U;
    memcpy(&mantissa, &bits, sizeof mantissa);
    if (mantissa > 1.41421356f) {
        mantissa *= 0.5f;
        exponent++;
    }
    ratio = (mantissa - 1.0f) / (mantissa + 1.0f);
    square = ratio * ratio;
    return (float)exponent +
           ratio * (2.88539008f + square * (0.96179669f + square * (0.57707802f + square * 0.41219858f)));
}

/* (dB + 52) / 64 in 0..1, as a code of the input; truncated, as the reference does. */
static int8_t code_of(float energy)
{
    float value = (DECIBELS_PER_OCTAVE * log2_of(energy > LEAST ? energy : LEAST) + 52.0f) * (1.0f / 64.0f);
    int32_t code;

    value = value < 0.0f ? 0.0f : value > 1.0f ? 1.0f : value;
    code = (int32_t)(value / TP_FEATURE_SCALE + (float)TP_FEATURE_ZERO_POINT);
    return (int8_t)(code > 127 ? 127 : code);
}

void tp_features_reset(void)
{
    memset(emphasized, 0, sizeof emphasized);
    last_sample = 0.0f;
}

static void take(const int16_t *samples, size_t stride)
{
    memcpy(emphasized, &emphasized[TP_HOP_SAMPLES], TP_HOP_SAMPLES * sizeof emphasized[0]);
    for (size_t i = 0U; i < TP_HOP_SAMPLES; i++) {
        const float sample = (float)samples[i * stride] * (1.0f / 32768.0f);

        emphasized[TP_HOP_SAMPLES + i] = sample - 0.96875f * last_sample;
        last_sample = sample;
    }
}

void tp_features(const int16_t *samples, size_t stride, int8_t codes[TP_MELS])
{
    const float *weight = tp_mel_weights;

    take(samples, stride);
    for (size_t i = 0U; i < POINTS; i++) { /* the window is symmetric: its first half is enough */
        const size_t from = 2U * i;
        const size_t even = from < TP_HOP_SAMPLES ? from : FRAME - 1U - from;
        const size_t odd = from < TP_HOP_SAMPLES ? from + 1U : FRAME - 2U - from;

        points[i] = (struct complex){emphasized[from] * tp_window[even], emphasized[from + 1U] * tp_window[odd]};
    }
    transform();
    split();
    for (size_t k = 0U; k < TP_MELS; k++) {
        const float *const bins = &power[tp_mel_first[k]];
        float energy = 0.0f;

        for (size_t i = 0U; i < tp_mel_count[k]; i++) {
            energy += bins[i] * *weight;
            weight++;
        }
        codes[k] = code_of(energy);
    }
}
