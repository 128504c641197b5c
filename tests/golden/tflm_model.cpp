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
constexpr size_t kInputBytes = 16;
constexpr size_t kOutputBytes = 4;

using Resolver = tflite::MicroMutableOpResolver<2>;

#if defined(TP_ARENA_IN_BSS)
#define TP_ARENA
#else
#define TP_ARENA __attribute__((section(".arena")))
#endif

alignas(16) TP_ARENA uint8_t arena[kArenaBytes];

/* TFLM may reuse the input tensor's memory while it works; this copy is what keeps its contents. */
alignas(16) TP_ARENA int8_t input[kInputBytes];

/* Made in tp_model_init, never destroyed: no order of constructors to rely on, no destructors to link. */
alignas(Resolver) uint8_t resolver_memory[sizeof(Resolver)];
alignas(tflite::MicroInterpreter) uint8_t interpreter_memory[sizeof(tflite::MicroInterpreter)];
tflite::MicroInterpreter *interpreter;
int8_t *input_tensor;
const int8_t *output_tensor;

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

/* NULL, or why the tensors are not the ones that the host counts on. */
const char *find_tensors()
{
    TfLiteTensor *const in = interpreter->input(0);
    TfLiteTensor *const out = interpreter->output(0);

    if (in == nullptr || out == nullptr) {
        return "TFLM: the model has no input or output tensor";
    }
    if (in->type != kTfLiteInt8 || in->bytes != kInputBytes) {
        return "TFLM: the input tensor is not int8 of the expected size";
    }
    if (out->type != kTfLiteInt8 || out->bytes != kOutputBytes) {
        return "TFLM: the output tensor is not int8 of the expected size";
    }
    input_tensor = in->data.int8;
    output_tensor = out->data.int8;
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
    interpreter = new (interpreter_memory) tflite::MicroInterpreter(model, *resolver, arena, kArenaBytes);
    if (interpreter->AllocateTensors() != kTfLiteOk) {
        return "TFLM: AllocateTensors failed: the arena is too small, or an operator is unsupported as it is used";
    }
    return find_tensors();
}

void *tp_model_input(size_t)
{
    return input;
}

const char *tp_model_invoke(void)
{
    std::memcpy(input_tensor, input, kInputBytes);
    return interpreter->Invoke() == kTfLiteOk ? nullptr : "TFLM: Invoke failed";
}

const void *tp_model_output(size_t)
{
    return output_tensor;
}

void tp_model_reset(void)
{
    (void)interpreter->Reset();
}
