// SPDX-License-Identifier: Apache-2.0
#include "engine/model/source.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace fovea {

ModelSource::~ModelSource() {
    if (mapping_ != nullptr) munmap(mapping_, mapping_size_);
}

fovea_status ModelSource::open_file(const char* path, const Log& log) {
    // Non-blocking: opening a pipe without a writer must fail, not hang.
    int descriptor = -1;
    do {
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    } while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0) {
        return log.fail(FOVEA_ERROR_IO, "%.500s: cannot be opened (error %d)", path, errno);
    }
    const fovea_status status = open_descriptor(descriptor, 0, 0, log);
    close(descriptor);
    if (status != FOVEA_OK) log.write(FOVEA_LOG_ERROR, "%.500s: cannot be loaded", path);
    return status;
}

fovea_status ModelSource::open_descriptor(int descriptor, std::uint64_t offset,
                                          std::uint64_t length, const Log& log) {
    struct stat info;
    if (fstat(descriptor, &info) != 0) {
        return log.fail(FOVEA_ERROR_IO, "model file: fstat failed (error %d)", errno);
    }
    if (!S_ISREG(info.st_mode)) {
        return log.fail(FOVEA_ERROR_IO, "model file: not a regular file");
    }
    const auto file_size = static_cast<std::uint64_t>(info.st_size);
    if (offset > file_size || length > file_size - offset) {
        return log.fail(FOVEA_ERROR_IO, "model file: the range reaches past its end (%llu bytes)",
                        static_cast<unsigned long long>(file_size));
    }
    if (length == 0) length = file_size - offset;
    // Also keeps mmap from an empty range, which it refuses.
    if (length == 0) {
        return log.fail(FOVEA_ERROR_NOT_A_MODEL, "not a fovea model: the file is empty");
    }
    const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    const std::uint64_t lead = offset % page;
    if (length > SIZE_MAX - lead) {
        return log.fail(FOVEA_ERROR_IO, "model file: too large for this address space");
    }
    // Kernels want the weights 64-byte aligned; an archive may have put the file anywhere.
    if (lead % kMemoryAlignment != 0) {
        return read_into_copy(descriptor, offset, static_cast<std::size_t>(length), log);
    }
    const auto mapping_size = static_cast<std::size_t>(lead + length);
    void* mapping = mmap(nullptr, mapping_size, PROT_READ, MAP_PRIVATE, descriptor,
                         static_cast<off_t>(offset - lead));
    if (mapping == MAP_FAILED) {
        return log.fail(FOVEA_ERROR_IO, "model file: mmap failed (error %d)", errno);
    }
    mapping_ = mapping;
    mapping_size_ = mapping_size;
    data_ = static_cast<const std::uint8_t*>(mapping) + lead;
    size_ = static_cast<std::size_t>(length);
    return FOVEA_OK;
}

fovea_status ModelSource::read_into_copy(int descriptor, std::uint64_t offset, std::size_t length,
                                         const Log& log) {
    if (!copy_.allocate(length)) {
        return log.fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for a model of %zu bytes",
                        length);
    }
    for (std::size_t done = 0; done < length;) {
        const ssize_t got = pread(descriptor, copy_.data() + done, length - done,
                                  static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got == 0) return log.fail(FOVEA_ERROR_IO, "model file: it became shorter while it was read");
        if (got < 0) return log.fail(FOVEA_ERROR_IO, "model file: read failed (error %d)", errno);
        done += static_cast<std::size_t>(got);
    }
    data_ = copy_.data();
    size_ = length;
    return FOVEA_OK;
}

fovea_status ModelSource::copy(const void* data, std::size_t size, const Log& log) {
    if (!copy_.allocate(size)) {
        return log.fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for a model of %zu bytes", size);
    }
    if (size != 0) std::memcpy(copy_.data(), data, size);
    data_ = copy_.data();
    size_ = size;
    return FOVEA_OK;
}

void ModelSource::borrow(const void* data, std::size_t size) {
    data_ = static_cast<const std::uint8_t*>(data);
    size_ = size;
}

}  // namespace fovea
