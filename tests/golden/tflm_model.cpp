/* SPDX-License-Identifier: 0BSD */
/* Made by tinyperf VERSION from small.tflite (sha256 abababababababababababababababababababababababababababababababab); do not edit.
 *
 * TFLM: tflite-micro-arduino-examples 7948b85e0204, cmsis_nn kernels. */
#include "tp_model.h"

#include <cstring>
#include <new>

#include "tp_model_data.h"
#include "tp_tflm.h"

namespace {

/* measured, margin included. */
constexpr size_t kArenaBytes = 4096;

/* A tensor that the host counts on; `copy`: where the input's own memory starts. */
struct End {
    TfLiteType type;
    size_t bytes;
    size_t copy;
};

constexpr End kInputs[] = {
    {kTfLiteInt8, 16, 0},
};
constexpr End kOutputs[] = {
    {kTfLiteInt8, 4, 0},
};
constexpr size_t kInputCount = 1;
constexpr size_t kOutputCount = 1;
constexpr size_t kInputBytes = 16;

using Resolver = tflite::MicroMutableOpResolver<2>;

#if defined(TP_ARENA_IN_BSS)
#define TP_ARENA
#else
#define TP_ARENA __attribute__((section(".arena")))
#endif

alignas(16) TP_ARENA uint8_t arena[kArenaBytes];

/* TFLM may reuse the input tensors' memory while it works; this copy is what keeps their contents. */
alignas(16) TP_ARENA uint8_t input[kInputBytes];

/* Made in tp_model_init, never destroyed: no order of constructors to rely on, no destructors to link. */
alignas(Resolver) uint8_t resolver_memory[sizeof(Resolver)];
alignas(tflite::MicroInterpreter) uint8_t interpreter_memory[sizeof(tflite::MicroInterpreter)];
tflite::MicroInterpreter *interpreter;
TfLiteTensor *input_tensors[kInputCount];
TfLiteTensor *output_tensors[kOutputCount];

bool add_operators(Resolver &resolver)
{
    if (resolver.AddFullyConnected(tflite::Register_FULLY_CONNECTED_INT8()) != kTfLiteOk) {
        return false;
    }
    if (resolver.AddSoftmax(tflite::Register_SOFTMAX_INT8()) != kTfLiteOk) {
        return false;
    }
    return true;
}

/* In memory of its own, so that nothing is allocated; `bytes` of the arena are its. */
tflite::MicroInterpreter *make_interpreter(const tflite::Model *model, const Resolver &resolver, size_t bytes)
{
    return new (interpreter_memory) tflite::MicroInterpreter(model, resolver, arena, bytes);
}

bool is_as_expected(const TfLiteTensor *tensor, const End &end)
{
    return tensor != nullptr && tensor->type == end.type && tensor->bytes == end.bytes;
}

/* NULL, or why the tensors are not the ones that the host counts on. */
const char *find_tensors()
{
    if (interpreter->inputs_size() != kInputCount || interpreter->outputs_size() != kOutputCount) {
        return "TFLM: the model has another number of input or output tensors";
    }
    for (size_t i = 0U; i < kInputCount; i++) {
        input_tensors[i] = interpreter->input(i);
        if (!is_as_expected(input_tensors[i], kInputs[i])) {
            return "TFLM: an input tensor is not of the expected type and size";
        }
    }
    for (size_t i = 0U; i < kOutputCount; i++) {
        output_tensors[i] = interpreter->output(i);
        if (!is_as_expected(output_tensors[i], kOutputs[i])) {
            return "TFLM: an output tensor is not of the expected type and size";
        }
    }
    return nullptr;
}

}  // namespace

/* TFLM's own messages: what they say reaches the host as the errors below. */
extern "C" void DebugLog(const char *text);
extern "C" void DebugLog(const char *)
{
}

#if !defined(TP_ARENA_IN_BSS)
/* Bare metal, and no heap: TFLM's destructors name free(), which is linked with all that belongs to it. */
extern "C" void *_sbrk(ptrdiff_t bytes);
extern "C" void *_sbrk(ptrdiff_t)
{
    return reinterpret_cast<void *>(-1);
}
#endif

const char *tp_model_init(void)
{
    const tflite::Model *const model = tflite::GetModel(tp_model_data);
    Resolver *const resolver = new (resolver_memory) Resolver();

    if (model->version() != TFLITE_SCHEMA_VERSION) {
        return "TFLM: the model's schema version is not the library's";
    }
    if (!add_operators(*resolver)) {
        return "TFLM: an operator could not be registered";
    }
    interpreter = make_interpreter(model, *resolver, kArenaBytes);
    if (interpreter->AllocateTensors() != kTfLiteOk) {
        return "TFLM: AllocateTensors failed: the arena is too small, or an operator is unsupported as it is used";
    }
    return find_tensors();
}

void *tp_model_input(size_t index)
{
    return &input[kInputs[index].copy];
}

const char *tp_model_invoke(void)
{
    for (size_t i = 0U; i < kInputCount; i++) {
        std::memcpy(input_tensors[i]->data.raw, &input[kInputs[i].copy], kInputs[i].bytes);
    }
    return interpreter->Invoke() == kTfLiteOk ? nullptr : "TFLM: Invoke failed";
}

const void *tp_model_output(size_t index)
{
    return output_tensors[index]->data.raw;
}

void tp_model_reset(void)
{
    (void)interpreter->Reset();
}
