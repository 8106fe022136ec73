// SPDX-License-Identifier: Apache-2.0
// Any bytes through the model reader, and what loads through a session and a run. Each input goes
// twice: as it is, and with its checksums made right, because a fuzz engine does not guess them.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "fovea/fovea.h"
#include "tests/unit/model_builder.h"
#include "tests/unit/test_memory.h"

namespace {

// What is larger is sound but would only make the fuzzing slow.
constexpr std::size_t kMaxWorkspace = 1 << 20;
constexpr std::uint64_t kMaxMultiplyAdds = 1 << 20;

void require(bool condition) {
    if (!condition) std::abort();
}

void run(fovea_model* model) {
    fovea_model_info model_info = {};
    model_info.size = sizeof(model_info);
    require(fovea_model_describe(model, &model_info) == FOVEA_OK);
    fovea_session_settings settings;
    fovea_session_settings_init(&settings);
    if (model_info.input_height == 0 && model_info.input_width == 0) {
        settings.input_height = 3;
        settings.input_width = 2;
    }
    std::vector<const char*> taps;
    for (std::uint32_t i = 0; i < model_info.tap_count; i += 2) {
        taps.push_back(fovea_model_tap_name(model, i));
    }
    settings.taps = taps.data();
    settings.tap_count = static_cast<std::uint32_t>(taps.size());
    std::size_t workspace = 0;
    if (fovea_session_workspace_size(model, &settings, &workspace) != FOVEA_OK) return;
    if (workspace > kMaxWorkspace) return;
    fovea_session* session = nullptr;
    if (fovea_session_create(model, &settings, &session) != FOVEA_OK) return;
    fovea_session_info info = {};
    info.size = sizeof(info);
    require(fovea_session_describe(session, &info) == FOVEA_OK);
    require(info.workspace_bytes == workspace);
    const std::size_t pixels =
        std::size_t{info.input_height} * info.input_width * info.input_channels;
    if (info.multiply_adds <= kMaxMultiplyAdds && pixels <= kMaxWorkspace) {
        const std::vector<std::uint8_t> zeros(pixels, 200);
        test_memory::AlignedCopy input(zeros.data(), pixels);  // exact size
        std::vector<float> logits(model_info.logit_count), probabilities(model_info.class_count);
        const fovea_status status = fovea_run(session, input.data(), FOVEA_U8, logits.data(), probabilities.data());
        // Weights may be such that pixels overflow: that is said, and no other number comes out.
        require(status == FOVEA_OK || status == FOVEA_ERROR_BAD_MODEL);
        for (const std::vector<float>& results : {logits, probabilities}) {
            for (const float value : results) require(std::isfinite(value));
        }
        for (const char* name : taps) {
            fovea_tensor tensor = test_memory::sized<fovea_tensor>();
            require(fovea_session_tap(session, name, &tensor) == FOVEA_OK);
        }
        fovea_selftest(session, nullptr);
    }
    fovea_session_close(&session);
}

void load_and_run(const std::uint8_t* data, std::size_t size) {
    test_memory::AlignedCopy copy(data, size);
    fovea_model* model = nullptr;
    const fovea_status borrowed =
        fovea_model_load_memory(copy.data(), size, FOVEA_BORROW, nullptr, &model);
    require((borrowed == FOVEA_OK) == (model != nullptr));
    if (model != nullptr) run(model);
    fovea_model_close(&model);
    if (borrowed != FOVEA_OK) return;
    require(fovea_model_load_memory(data, size, FOVEA_COPY, nullptr, &model) == FOVEA_OK);
    fovea_model_close(&model);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    load_and_run(data, size);
    std::vector<std::uint8_t> refreshed(data, data + size);
    // The header says what it must; what the fuzzing is about lies behind it.
    if (size >= 64) model_builder::put_u64(&refreshed, 16, size);
    model_builder::refresh_checksums(refreshed.data(), refreshed.size());
    load_and_run(refreshed.data(), refreshed.size());
    return 0;
}
