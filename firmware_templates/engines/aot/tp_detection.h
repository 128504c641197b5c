/* SPDX-License-Identifier: 0BSD */
/* TFLite_Detection_PostProcess: boxes decoded from their anchors, and of those that overlap the one with the best
 * score. */
#ifndef TP_DETECTION_H
#define TP_DETECTION_H

#include <string.h>

#include "tp_kernels.h"

/* `columns`: scores of a box, the background's first where there is one more than `classes`. `regular`: overlaps are
 * looked for class by class, else among the best scores of all boxes. `scales`: of y, x, height and width. */
struct tp_detection {
    int32_t boxes, coordinates, columns, classes;
    int32_t detections, per_class;
    bool regular;
    float score, overlap;
    float scales[4];
};

struct tp_box {
    float ymin, xmin, ymax, xmax;
};

/* A box and its class. */
struct tp_candidate {
    int32_t box, of_class;
};

/* exp(x) within an ulp, NaN as the lowest number; beyond 700 a float is infinite, or 0. */
TP_KERNEL double tp_exp_f64(double x)
{
    static const double terms[14] = {
        1.0 / 6227020800.0, 1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0, 1.0 / 362880.0,
        1.0 / 40320.0,      1.0 / 5040.0,      1.0 / 720.0,      1.0 / 120.0,     1.0 / 24.0,
        1.0 / 6.0,          1.0 / 2.0,         1.0,              1.0,
    };
    const double held = x > -700.0 ? (x < 700.0 ? x : 700.0) : -700.0;
    const double turns = held * 1.4426950408889634 + 0.5;
    const int32_t near = (int32_t)turns;
    const int32_t k = near - ((double)near > turns ? 1 : 0);
    const double r = held - (double)k * 6.93147180369123816490e-01 - (double)k * 1.90821492927058770002e-10;
    double made = terms[0];
    for (int32_t i = 1; i < 14; i++) {
        made = made * r + terms[i];
    }
    const union {
        uint64_t bits;
        double number;
    } power = {.bits = (uint64_t)(k + 1023) << 52};
    return made * power.number;
}

/* Centres and half sizes are formed in double and rounded. */
TP_KERNEL void tp_decode_boxes(const struct tp_detection *d, const float *codes, const float *anchors,
                               struct tp_box *boxes)
{
    for (int32_t i = 0; i < d->boxes; i++) {
        const float *code = &codes[i * d->coordinates];
        const float *anchor = &anchors[i * 4];
        const double high = (double)anchor[2], wide = (double)anchor[3];
        const float y = (float)((double)code[0] / (double)d->scales[0] * high + (double)anchor[0]);
        const float x = (float)((double)code[1] / (double)d->scales[1] * wide + (double)anchor[1]);
        const float half_h = (float)(0.5 * tp_exp_f64((double)code[2] / (double)d->scales[2]) * high);
        const float half_w = (float)(0.5 * tp_exp_f64((double)code[3] / (double)d->scales[3]) * wide);
        const struct tp_box box = {y - half_h, x - half_w, y + half_h, x + half_w};
        boxes[i] = box;
    }
}

/* How far the smaller of two upper ends is above the larger of two lower ends; 0 where it is not. */
TP_KERNEL float tp_common_side(float low_a, float high_a, float low_b, float high_b)
{
    const float side = (high_b < high_a ? high_b : high_a) - (low_a < low_b ? low_b : low_a);
    return side < 0.0f ? 0.0f : side;
}

/* Intersection over union. */
TP_KERNEL float tp_overlap(const struct tp_box *a, const struct tp_box *b)
{
    const float area_a = (a->ymax - a->ymin) * (a->xmax - a->xmin);
    const float area_b = (b->ymax - b->ymin) * (b->xmax - b->xmin);
    if (area_a <= 0.0f || area_b <= 0.0f) {
        return 0.0f;
    }
    const float common = tp_common_side(a->ymin, a->ymax, b->ymin, b->ymax) *
                         tp_common_side(a->xmin, a->xmax, b->xmin, b->xmax);
    return common / (area_a + area_b - common);
}

/* The best boxes of those with enough of a score, none of which overlaps a better one too much, in `order`; how many.
 * Of equal scores the first one is better. At most `most`. */
TP_KERNEL int32_t tp_boxes_apart(const struct tp_detection *d, const struct tp_box *boxes, const float *scores,
                                 int32_t most, int32_t *order)
{
    int32_t count = 0;
    for (int32_t i = 0; i < d->boxes; i++) {
        if (!(scores[i] >= d->score)) {
            continue;
        }
        int32_t at = count++;
        for (; at > 0 && scores[i] > scores[order[at - 1]]; at--) {
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
    int32_t kept = 0;
    for (int32_t i = 0; i < count && kept < most; i++) {
        bool apart = true;
        for (int32_t j = 0; apart && j < kept; j++) {
            apart = !(tp_overlap(&boxes[order[j]], &boxes[order[i]]) > d->overlap);
        }
        if (apart) {
            order[kept++] = order[i];
        }
    }
    return kept;
}

/* The `detections` best of all classes, in `found`; `before` holds as many. */
TP_KERNEL int32_t tp_detect_regular(const struct tp_detection *d, const struct tp_box *boxes, const float *scores,
                                    float *of_class, int32_t *order, struct tp_candidate *found,
                                    struct tp_candidate *before)
{
    int32_t count = 0;
    for (int32_t c = 0; c < d->classes; c++) {
        for (int32_t i = 0; i < d->boxes; i++) {
            of_class[i] = scores[i * d->columns + c];
        }
        const int32_t more = tp_boxes_apart(d, boxes, of_class, d->per_class, order);
        memcpy(before, found, (size_t)count * sizeof(*found));
        int32_t old = 0, made = 0;
        for (int32_t next = 0; made < d->detections && (old < count || next < more); made++) {
            const bool take = old < count &&
                              (next == more || !(of_class[order[next]] >
                                                 scores[before[old].box * d->columns + before[old].of_class]));
            const struct tp_candidate fresh = {take ? 0 : order[next], c};
            found[made] = take ? before[old] : fresh;
            old += take ? 1 : 0;
            next += take ? 0 : 1;
        }
        count = made;
    }
    return count;
}

/* Each box by its best class. */
TP_KERNEL int32_t tp_detect_best(const struct tp_detection *d, const struct tp_box *boxes, const float *scores,
                                 float *best, int32_t *order, int32_t *classes, struct tp_candidate *found)
{
    for (int32_t i = 0; i < d->boxes; i++) {
        classes[i] = 0;
        for (int32_t c = 1; c < d->classes; c++) {
            const bool better = scores[i * d->columns + c] > scores[i * d->columns + classes[i]];
            classes[i] = better ? c : classes[i];
        }
        best[i] = scores[i * d->columns + classes[i]];
    }
    const int32_t count = tp_boxes_apart(d, boxes, best, d->detections, order);
    for (int32_t i = 0; i < count; i++) {
        found[i].box = order[i];
        found[i].of_class = classes[order[i]];
    }
    return count;
}

/* `scratch`: seven words for each box, and four for each detection. What no detection fills is 0. */
TP_KERNEL void tp_detection(const struct tp_detection *d, const float *codes, const float *scores,
                            const float *anchors, char *scratch, float *out_boxes, float *out_classes,
                            float *out_scores, float *out_count)
{
    struct tp_box *boxes = (struct tp_box *)(void *)scratch;
    float *of_class = (float *)(void *)&boxes[d->boxes];
    int32_t *order = (int32_t *)(void *)&of_class[d->boxes];
    int32_t *classes = &order[d->boxes];
    struct tp_candidate *found = (struct tp_candidate *)(void *)&classes[d->boxes];
    const float *wanted = &scores[d->columns - d->classes];
    tp_decode_boxes(d, codes, anchors, boxes);
    const int32_t count =
        d->regular ? tp_detect_regular(d, boxes, wanted, of_class, order, found, &found[d->detections])
                   : tp_detect_best(d, boxes, wanted, of_class, order, classes, found);
    for (int32_t i = 0; i < d->detections; i++) {
        const struct tp_box none = {0.0f, 0.0f, 0.0f, 0.0f};
        const struct tp_box box = i < count ? boxes[found[i].box] : none;
        memcpy(&out_boxes[4 * i], &box, sizeof(box));
        out_classes[i] = i < count ? (float)found[i].of_class : 0.0f;
        out_scores[i] = i < count ? wanted[found[i].box * d->columns + found[i].of_class] : 0.0f;
    }
    *out_count = (float)count;
}

#endif
