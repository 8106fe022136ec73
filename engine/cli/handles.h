// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "exit_status.h"
#include "fovea/fovea.h"

namespace fovea::cli {

// Collects what the library says while one call runs. What there is no memory for is not lost unnoticed: whoever asks for it gets
// std::bad_alloc.
class LogLines {
  public:
    fovea_log log() { return {write, this}; }
    void clear();
    // The library's own words for a failure, or else the status's name.
    std::string cause(fovea_status status) const;
    const std::vector<std::string>& warnings() const;

  private:
    static void write(void* cookie, fovea_log_level level, const char* message);
    std::string error_;
    std::vector<std::string> warnings_;
    bool is_short_of_memory_ = false;
};

// How the program ends when the library refuses a model or what is asked of it.
ExitStatus exit_status_of(fovea_status status);

// "corrupt_image" for FOVEA_ERROR_CORRUPT_IMAGE: the status's name as a machine reads it.
std::string status_code(fovea_status status);

// A loaded model and the facts that reports repeat. A copy of the file: whoever changes or cuts it while it is in use changes no
// result and ends no program, as with a mapping.
class Model {
  public:
    explicit Model(const std::string& path);  // throws Failure (kBadModel) and std::bad_alloc
    ~Model();
    Model(const Model&) = delete;
    Model& operator=(const Model&) = delete;

    const fovea_model* get() const { return model_; }
    const fovea_model_info& info() const { return info_; }
    const std::string& path() const { return path_; }
    std::vector<std::string> class_names() const;
    std::vector<std::string> tap_names() const;
    std::string sha256() const;  // of the whole file

  private:
    struct Free {
        void operator()(void* memory) const { std::free(memory); }
    };
    std::string path_;
    std::unique_ptr<unsigned char, Free> bytes_;
    std::size_t size_ = 0;
    LogLines lines_;
    fovea_model* model_ = nullptr;
    fovea_model_info info_{};
};

struct SessionRequest {
    std::uint32_t height = 0, width = 0;  // 0 = the model's default
    std::uint32_t threads = 1;
    std::string isa;  // empty = the best this CPU has
    std::vector<std::string> taps;
    std::uint64_t max_memory_mib = 0;    // of the workspace; 0 = the library's default
    std::uint64_t photo_memory_mib = 0;  // of the decoder; 0 = the library's default
    bool only_runs = false;              // no screening: typicality is not measured
};

// A session with its log; one thread at a time.
class Session {
  public:
    Session(const Model& model, const SessionRequest& request);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // FOVEA_OK, or why there is no session; cause() then says more.
    fovea_status status() const { return status_; }
    std::string cause() const { return lines_->cause(status_); }
    // Throws what the status means for a verb: Failure (kWrongUsage, kBadModel or kFailure).
    void require(const std::string& subject) const;

    fovea_session* get() { return session_; }
    LogLines& lines() { return *lines_; }
    const fovea_session_info& info() const { return info_; }

  private:
    std::unique_ptr<LogLines> lines_;
    fovea_session* session_ = nullptr;
    fovea_session_info info_{};
    fovea_status status_ = FOVEA_OK;
};

class Image {
  public:
    Image() { image_.size = sizeof(image_); }
    ~Image() { fovea_image_free(&image_); }
    Image(const Image&) = delete;
    Image& operator=(const Image&) = delete;
    fovea_image* operator->() { return &image_; }
    fovea_image* get() { return &image_; }
    // The picture as input of another call.
    fovea_pixels pixels() const;

  private:
    fovea_image image_{};
};

// 64 hexadecimal digits.
std::string sha256(const void* data, std::size_t size);

// The instruction sets of this CPU, weakest first, with commas.
std::string isa_list();

// Throws Failure (kWrongUsage) for a name that this CPU does not have; empty is fine.
void require_isa(const std::string& isa);

}  // namespace fovea::cli
