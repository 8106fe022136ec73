// SPDX-License-Identifier: Apache-2.0
#include "files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "descriptors.h"
#include "exit_status.h"
#include "text_safety.h"

namespace fovea::cli {
namespace {

// Creates a new file beside the target, with the permissions that the user's mask gives.
int create_beside(const std::string& target, std::string& path) {
    static std::atomic<unsigned> counter{0};
    for (int attempt = 0; attempt < 100; ++attempt) {
        path =
            target + "." + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".part";
        const int file = retried([&] { return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); });
        if (file >= 0 || errno != EEXIST) return file;
    }
    return -1;
}

}  // namespace

void complain(std::string_view subject, std::string_view cause) {
    say("fovea: " + printable(subject) + ": " + printable(cause) + "\n");
}

void say(std::string_view text) {
    std::fflush(stderr);
    // Whoever has closed standard error wants no messages.
    static_cast<void>(write_all(STDERR_FILENO, text.data(), text.size()));
}

bool read_file(const std::string& path, std::uint64_t limit,
               const std::function<unsigned char*(std::size_t)>& place, FileError& error) {
    // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
    const Descriptor file(retried([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); }));
    if (file.get() < 0) {
        const int cause = errno;
        error = {cause == ENOENT || cause == ENOTDIR ? "not_found" : "not_readable",
                 cause == ENOENT ? "no such file" : error_text(cause)};
        return false;
    }
    struct stat facts {};
    if (::fstat(file.get(), &facts) != 0) {
        error = {"not_readable", error_text(errno)};
        return false;
    }
    if (S_ISDIR(facts.st_mode)) {
        error = {"not_readable", "it is a folder"};
        return false;
    }
    if (!S_ISREG(facts.st_mode)) {
        error = {"not_readable", "it is not a regular file"};
        return false;
    }
    const auto size = static_cast<std::uint64_t>(facts.st_size);
    if (size == 0) {
        error = {"not_an_image", "the file is empty"};
        return false;
    }
    if (size > limit) {
        error = {"too_large", "the file has " + std::to_string(size) + " bytes; at most " +
                                  std::to_string(limit) + " are read"};
        return false;
    }
    unsigned char* bytes = place(static_cast<std::size_t>(size));
    std::size_t done = 0;
    while (done < size) {
        const ssize_t count = retried(
            [&] { return ::read(file.get(), bytes + done, static_cast<std::size_t>(size) - done); });
        if (count < 0) {
            error = {"not_readable", error_text(errno)};
            return false;
        }
        if (count == 0) {
            error = {"not_readable", "the file became shorter while it was read"};
            return false;
        }
        done += static_cast<std::size_t>(count);
    }
    struct stat after {};
    if (::fstat(file.get(), &after) != 0 || after.st_size != facts.st_size ||
        after.st_mtim.tv_sec != facts.st_mtim.tv_sec ||
        after.st_mtim.tv_nsec != facts.st_mtim.tv_nsec) {
        error = {"not_readable", "the file was changed while it was read"};
        return false;
    }
    return true;
}

bool read_file(const std::string& path, std::uint64_t limit, std::vector<unsigned char>& bytes,
               FileError& error) {
    const auto place = [&bytes](std::size_t size) {
        bytes.resize(size);
        return bytes.data();
    };
    return read_file(path, limit, place, error);
}


void write_file(const std::string& path, const void* data, std::size_t size) {
    const auto fail = [&path](const std::string& cause) {
        throw Failure(kFailure, path, "cannot be written: " + cause);
    };
    std::string target = path;
    std::error_code error;
    const auto kind = std::filesystem::status(path, error).type();
    if (kind == std::filesystem::file_type::none) {
        fail(error.message());
    } else if (kind == std::filesystem::file_type::regular) {
        // Through a symbolic link: replace what it leads to, not the link.
        const auto resolved = std::filesystem::canonical(path, error);
        if (error) fail(error.message());
        target = resolved.string();
    } else if (kind == std::filesystem::file_type::directory) {
        fail("it is a folder");
    } else if (kind != std::filesystem::file_type::not_found) {
        // A device or a pipe must be written to, not replaced.
        Descriptor file(retried([&] { return ::open(path.c_str(), O_WRONLY | O_CLOEXEC); }));
        int cause = file.get() < 0 ? errno : 0;
        if (cause == 0) cause = write_all(file.get(), static_cast<const char*>(data), size);
        if (cause == 0 && file.close() != 0) cause = errno;
        if (cause != 0) fail(error_text(cause));
        return;
    }
    std::string temporary;
    Descriptor file(create_beside(target, temporary));
    if (file.get() < 0) fail(error_text(errno));
    int cause = write_all(file.get(), static_cast<const char*>(data), size);
    if (file.close() != 0 && cause == 0) cause = errno;
    if (cause == 0 && std::rename(temporary.c_str(), target.c_str()) != 0) cause = errno;
    if (cause != 0) {
        ::unlink(temporary.c_str());
        fail(error_text(cause));
    }
}

void create_parent_folders(const std::string& path) {
    const auto parent = std::filesystem::path(path).parent_path();
    if (parent.empty()) return;
    std::error_code error;
    std::filesystem::create_directories(parent, error);
    if (error) throw Failure(kFailure, parent.string(), "cannot be created: " + error.message());
}

int identify(const std::string& path, FileIdentity& identity) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0) return errno;
    identity = {static_cast<std::uint64_t>(facts.st_dev), static_cast<std::uint64_t>(facts.st_ino)};
    return 0;
}

}  // namespace fovea::cli
