// SPDX-License-Identifier: Apache-2.0
#include "output.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "exit_status.h"
#include "files.h"
#include "interruption.h"

namespace fovea::cli {
namespace {

constexpr std::uint64_t kMaxEarlierBytes = std::uint64_t{4} << 30;

}  // namespace

Output::Output(const std::string& path)
    : name_(path.empty() ? "standard output" : path), descriptor_(STDOUT_FILENO) {
    if (path.empty()) return;
    std::error_code error;
    const auto kind = std::filesystem::status(path, error).type();
    if (kind == std::filesystem::file_type::none) fail(error.value());
    if (kind == std::filesystem::file_type::directory) {
        throw Failure(kFailure, path, "cannot be written: it is a folder");
    }
    if (kind == std::filesystem::file_type::regular ||
        kind == std::filesystem::file_type::not_found) {
        open_part(path);
    } else {
        // A device or a pipe has no place beside it.
        file_.reset(retried([&] { return ::open(path.c_str(), O_WRONLY | O_CLOEXEC); }));
        if (file_.get() < 0) fail(errno);
    }
    descriptor_ = file_.get();
}

void Output::open_part(const std::string& path) {
    target_ = path;
    struct stat facts {};
    const bool replaces = ::stat(path.c_str(), &facts) == 0;
    if (!replaces && errno != ENOENT) fail(errno);
    if (replaces) {
        // Through a symbolic link: replace what it leads to, not the link.
        std::error_code error;
        const auto resolved = std::filesystem::canonical(path, error);
        if (error) fail(error.value());
        target_ = resolved.string();
        if (::access(target_.c_str(), W_OK) != 0) fail(errno);
    }
    part_ = target_ + ".part";
    constexpr int kHow = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    file_.reset(retried([&] { return ::open(part_.c_str(), kHow, 0666); }));
    if (file_.get() < 0) fail(errno);
    struct stat part {};
    if (::fstat(file_.get(), &part) != 0) fail(errno);
    if (!S_ISREG(part.st_mode)) throw Failure(kFailure, part_, "is in the way: it is not a regular file");
    // Not every file system has locks; where there are none, nothing is lost that was there before.
    if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        part_.clear();
        throw Failure(kFailure, path, "another run is writing it");
    }
    // A run that has just ended may have given the file its name.
    FileIdentity identity;
    const int cause = identify(part_, identity);
    if (cause != 0 && cause != ENOENT) fail(cause);
    if (cause != 0 || identity.inode != part.st_ino || identity.device != part.st_dev) {
        part_.clear();
        throw Failure(kFailure, path, "another run has just written it");
    }
    size_ = static_cast<std::uint64_t>(part.st_size);
    if (replaces) static_cast<void>(::fchmod(file_.get(), facts.st_mode & 07777));
}

Output::~Output() {
    // Nothing to continue.
    if (!part_.empty() && file_.get() >= 0 && size_ == 0) ::unlink(part_.c_str());
}

void Output::fail(int cause) const {
    if (cause == EINTR && interruption() != 0) throw Interrupted{interruption()};
    throw Failure(kFailure, name_, "cannot be written: " + error_text(cause));
}

std::string Output::earlier_results() {
    if (part_.empty()) return {};
    from_part_ = size_ > 0;
    const std::string& path = from_part_ ? part_ : target_;
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0) {
        if (errno == ENOENT) return {};
        throw Failure(kFailure, path, error_text(errno));
    }
    if (facts.st_size == 0) return {};
    std::vector<unsigned char> bytes;
    FileError error;
    if (!read_file(path, kMaxEarlierBytes, bytes, error)) throw Failure(kFailure, path, error.message);
    return {bytes.begin(), bytes.end()};
}

void Output::truncate(std::uint64_t size) {
    if (retried([&] { return ::ftruncate(file_.get(), static_cast<off_t>(size)); }) != 0) fail(errno);
}

void Output::keep(std::string_view kept) {
    if (part_.empty()) return;
    if (from_part_) {
        truncate(kept.size());
        size_ = kept.size();
        if (::lseek(file_.get(), 0, SEEK_END) < 0) fail(errno);
        return;
    }
    truncate(0);
    size_ = 0;
    write(kept);
}

void Output::write(std::string_view text) {
    const int cause = write_all(descriptor_, text.data(), text.size());
    if (cause == 0) {
        size_ += text.size();
        return;
    }
    if (!part_.empty()) {
        // A row that is cut could be taken for a whole one.
        static_cast<void>(retried([&] { return ::ftruncate(file_.get(), static_cast<off_t>(size_)); }));
        static_cast<void>(::lseek(file_.get(), 0, SEEK_END));
    }
    if (cause == EPIPE && file_.get() < 0) throw ClosedPipe{};
    fail(cause);
}

void Output::close() {
    if (file_.get() < 0) return;
    if (part_.empty()) {
        if (file_.close() != 0) fail(errno);
        return;
    }
    // The name must not outlive a power cut that the results did not.
    if (retried([&] { return ::fsync(file_.get()); }) != 0 && errno != EINVAL && errno != EROFS) fail(errno);
    if (std::rename(part_.c_str(), target_.c_str()) != 0) fail(errno);
    part_.clear();
    if (file_.close() != 0) fail(errno);
}

bool Output::is_terminal() const {
    return ::isatty(descriptor_) == 1;
}

}  // namespace fovea::cli
