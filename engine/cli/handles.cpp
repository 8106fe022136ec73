// SPDX-License-Identifier: Apache-2.0
#include "handles.h"

#include <algorithm>
#include <cctype>
#include <new>

#include "files.h"
#include "interruption.h"

namespace fovea::cli {
namespace {

constexpr std::size_t kModelAlignment = 64;  // of borrowed bytes, as the library wants it
constexpr std::uint64_t kMaxModelBytes = std::uint64_t{4} << 30;

}  // namespace

void LogLines::clear() {
    error_.clear();
    warnings_.clear();
    is_short_of_memory_ = false;
}

std::string LogLines::cause(fovea_status status) const {
    if (is_short_of_memory_) throw std::bad_alloc();
    return error_.empty() ? fovea_status_string(status) : error_;
}

const std::vector<std::string>& LogLines::warnings() const {
    if (is_short_of_memory_) throw std::bad_alloc();
    return warnings_;
}

void LogLines::write(void* cookie, fovea_log_level level, const char* message) {
    auto* lines = static_cast<LogLines*>(cookie);
    // No exception may pass through the library.
    try {
        // The first error is the cause; what follows it is how the calls above were left.
        if (level == FOVEA_LOG_ERROR && lines->error_.empty()) lines->error_ = message;
        if (level == FOVEA_LOG_WARNING) lines->warnings_.emplace_back(message);
    } catch (const std::bad_alloc&) {
        lines->is_short_of_memory_ = true;
    }
}

ExitStatus exit_status_of(fovea_status status) {
    switch (status) {
        case FOVEA_ERROR_OUT_OF_MEMORY:
            return kFailure;
        case FOVEA_ERROR_UNSUPPORTED_ISA:
        case FOVEA_ERROR_INVALID_ARGUMENT:
        case FOVEA_ERROR_UNKNOWN_TAP:
        case FOVEA_ERROR_INPUT_SIZE:
        case FOVEA_ERROR_MEMORY_LIMIT:
            return kWrongUsage;
        default:
            return kBadModel;
    }
}

std::string status_code(fovea_status status) {
    std::string code = fovea_status_string(status);
    for (char& character : code) {
        if (std::isalnum(static_cast<unsigned char>(character)) == 0) character = '_';
    }
    return code;
}

Model::Model(const std::string& path) : path_(path) {
    fovea_model_settings settings;
    fovea_model_settings_init(&settings);
    settings.log = lines_.log();
    FileError error;
    const auto place = [this](std::size_t size) {
        size_ = size;
        void* memory = nullptr;
        if (::posix_memalign(&memory, kModelAlignment, size) != 0) throw std::bad_alloc();
        bytes_.reset(static_cast<unsigned char*>(memory));
        return bytes_.get();
    };
    if (!read_file(path, kMaxModelBytes, place, error)) throw Failure(kBadModel, path, error.message);
    fovea_status status =
        fovea_model_load_memory(bytes_.get(), size_, FOVEA_BORROW, &settings, &model_);
    if (status == FOVEA_OK) {
        info_.size = sizeof(info_);
        status = fovea_model_describe(model_, &info_);
    }
    if (status != FOVEA_OK) {
        fovea_model_close(&model_);
        throw Failure(exit_status_of(status), path, lines_.cause(status));
    }
}

Model::~Model() {
    fovea_model_close(&model_);
}

std::vector<std::string> Model::class_names() const {
    std::vector<std::string> names;
    for (std::uint32_t i = 0; i < info_.class_count; ++i) {
        const char* name = fovea_model_class_name(model_, i);
        names.emplace_back(name != nullptr ? name : "");
    }
    return names;
}

std::vector<std::string> Model::tap_names() const {
    std::vector<std::string> names;
    for (std::uint32_t i = 0; i < info_.tap_count; ++i) {
        const char* name = fovea_model_tap_name(model_, i);
        if (name != nullptr) names.emplace_back(name);
    }
    return names;
}

std::string Model::sha256() const {
    return cli::sha256(bytes_.get(), size_);
}

Session::Session(const Model& model, const SessionRequest& request)
    : lines_(std::make_unique<LogLines>()) {
    fovea_session_settings settings;
    fovea_session_settings_init(&settings);
    settings.input_height = request.height;
    settings.input_width = request.width;
    settings.threads = request.threads;
    settings.isa = request.isa.empty() ? nullptr : request.isa.c_str();
    if (request.max_memory_mib != 0) settings.max_workspace_bytes = request.max_memory_mib << 20;
    if (request.photo_memory_mib != 0) settings.max_decode_bytes = request.photo_memory_mib << 20;
    settings.typicality = request.only_runs ? 0 : 1;
    settings.log = lines_->log();
    settings.cancel = [](void*) { return interruption() != 0 ? 1 : 0; };
    std::vector<const char*> taps;
    for (const std::string& tap : request.taps) taps.push_back(tap.c_str());
    settings.taps = taps.empty() ? nullptr : taps.data();
    settings.tap_count = static_cast<std::uint32_t>(taps.size());
    status_ = fovea_session_create(model.get(), &settings, &session_);
    if (status_ != FOVEA_OK) return;
    info_.size = sizeof(info_);
    status_ = fovea_session_describe(session_, &info_);
}

Session::~Session() {
    fovea_session_close(&session_);
}

void Session::require(const std::string& subject) const {
    if (status_ == FOVEA_OK) return;
    const char* const advice = status_ == FOVEA_ERROR_MEMORY_LIMIT ? "; --max-memory raises it" : "";
    throw Failure(exit_status_of(status_), subject, cause() + advice);
}

fovea_pixels Image::pixels() const {
    fovea_pixels pixels{};
    pixels.size = sizeof(pixels);
    pixels.format = FOVEA_RGB;
    pixels.width = image_.width;
    pixels.height = image_.height;
    pixels.planes[0] = image_.data;
    pixels.strides[0] = std::size_t{3} * image_.width;
    return pixels;
}

std::string sha256(const void* data, std::size_t size) {
    char digits[65];
    fovea_sha256(data, size, digits);
    return digits;
}

std::string isa_list() {
    std::string list;
    for (std::uint32_t i = 0; const char* name = fovea_isa_name(i); ++i) {
        if (!list.empty()) list += ", ";
        list += name;
    }
    return list;
}

void require_isa(const std::string& isa) {
    if (isa.empty()) return;
    for (std::uint32_t i = 0; const char* name = fovea_isa_name(i); ++i) {
        if (isa == name) return;
    }
    throw Failure(kWrongUsage, "--isa " + isa,
                  "this CPU and build have no such instruction set; they have: " + isa_list());
}

}  // namespace fovea::cli
