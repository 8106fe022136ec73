// SPDX-License-Identifier: Apache-2.0
#include "network_input.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <new>

#include "files.h"
#include "json_numbers.h"
#include "npy.h"
#include "progress.h"

namespace fovea::cli {

void read_input(const std::string& path, NetworkInput& input) {
    FileError error;
    if (!read_file(path, std::uint64_t{1} << 31, input.file, error)) {
        throw InputProblem{error.code, error.message};
    }
    const bool named_npy = std::filesystem::path(path).extension() == ".npy";
    if (!named_npy && (input.file.empty() || input.file[0] != 0x93)) {
        LogLines lines;
        fovea_session_settings settings;
        fovea_session_settings_init(&settings);
        settings.log = lines.log();
        const fovea_status status =
            fovea_decode(input.file.data(), input.file.size(), &settings, input.image.get());
        if (status == FOVEA_ERROR_OUT_OF_MEMORY) throw std::bad_alloc();
        if (status != FOVEA_OK) throw InputProblem{status_code(status), lines.cause(status)};
        for (const std::string& warning : lines.warnings()) complain(path, "warning: " + warning);
        input.height = input.image->height;
        input.width = input.image->width;
        input.channels = 3;
        input.values = input.image->data;
        return;
    }
    NpyPicture picture;
    std::string cause;
    if (!parse_npy(input.file, picture, cause)) throw InputProblem{"bad_npy", cause};
    input.height = picture.height;
    input.width = picture.width;
    input.channels = picture.channels;
    input.dtype = picture.dtype;
    const unsigned char* begin = input.file.data() + picture.data_offset;
    input.values = begin;
    if (picture.dtype == FOVEA_F32) {
        input.floats.resize((input.file.size() - picture.data_offset) / sizeof(float));
        std::memcpy(input.floats.data(), begin, input.floats.size() * sizeof(float));
        input.values = input.floats.data();
        const bool finite = std::all_of(input.floats.begin(), input.floats.end(),
                                        [](float value) { return std::isfinite(value); });
        if (!finite) throw InputProblem{"bad_npy", "it has values that are not finite"};
    }
}

std::string doubt_about(const NetworkInput& input) {
    float least = 0, most = 0;
    bool has_fractions = false;
    const auto look = [&](const auto* values) {
        const std::size_t count = std::size_t{input.height} * input.width * input.channels;
        const auto [first, last] = std::minmax_element(values, values + count);
        least = static_cast<float>(*first);
        most = static_cast<float>(*last);
        has_fractions = std::any_of(values, values + count, [](auto value) {
            return static_cast<float>(value) != std::floor(static_cast<float>(value));
        });
    };
    if (input.dtype == FOVEA_F32) {
        look(static_cast<const float*>(input.values));
    } else {
        look(static_cast<const unsigned char*>(input.values));
    }
    // Whole numbers may be a dark picture's; fractions that stay far below 255 are no picture's.
    const bool is_rescaled = (most > 0 && most <= 1) || (has_fractions && most <= 16 && least >= -16);
    if (least >= 0 && most <= 255 && !is_rescaled) return {};
    const std::string range = "its values go from " + float_text(least) + " to " + float_text(most);
    return range + (is_rescaled ? ", as if they were rescaled already" : "") +
           "; the network takes pixels from 0 to 255";
}

}  // namespace fovea::cli
