// SPDX-License-Identifier: Apache-2.0
#include "picture_kind.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "descriptors.h"

namespace fovea::cli {
namespace {

using namespace std::string_view_literals;

constexpr std::array kEndings = {
    ".jpg"sv, ".jpeg"sv, ".jpe"sv,  ".jfif"sv, ".jif"sv,  ".png"sv, ".tif"sv, ".tiff"sv, ".webp"sv, ".heic"sv,
    ".heif"sv, ".hif"sv, ".avif"sv, ".bmp"sv,  ".dib"sv,  ".gif"sv, ".dcm"sv, ".dicom"sv, ".jp2"sv, ".j2k"sv,
    ".jpx"sv, ".jls"sv,  ".jxl"sv,  ".ppm"sv,  ".pgm"sv,  ".pbm"sv, ".pnm"sv, ".dng"sv,  ".cr2"sv, ".cr3"sv,
    ".nef"sv, ".arw"sv,  ".orf"sv,  ".rw2"sv,  ".x3f"sv,  ".raf"sv, ".ico"sv, ".pcx"sv,  ".tga"sv, ".psd"sv,
    ".exr"sv, ".fda"sv,  ".e2e"sv,
};

struct Signature {
    std::size_t offset;
    std::string_view bytes;
};
constexpr std::array kSignatures = {
    Signature{0, "\xff\xd8\xff"sv},         Signature{0, "\x89PNG\r\n\x1a\n"sv},
    Signature{0, "II*\0"sv},                Signature{0, "MM\0*"sv},
    Signature{0, "II+\0"sv},                Signature{0, "MM\0+"sv},
    Signature{8, "WEBP"sv},                 Signature{4, "ftyphei"sv},
    Signature{4, "ftyphev"sv},              Signature{4, "ftypmif1"sv},
    Signature{4, "ftypmsf1"sv},             Signature{4, "ftypavi"sv},
    Signature{0, "GIF8"sv},                 Signature{4, "jP  \r\n\x87\n"sv},
    Signature{0, "\xff\x4f\xff\x51"sv},     Signature{0, "\0\0\0\x0cJXL "sv},
    Signature{128, "DICM"sv},               Signature{0, "\xff\x0a"sv},
};

// "BM" may begin a text too; its reserved bytes tell a bitmap.
bool is_bitmap(std::string_view bytes) {
    return bytes.starts_with("BM"sv) && bytes.size() >= 10 && bytes.substr(6, 4) == "\0\0\0\0"sv;
}

}  // namespace

bool has_picture_ending(const std::filesystem::path& path) {
    std::string ending = path.extension().string();
    std::transform(ending.begin(), ending.end(), ending.begin(), [](char character) {
        return character >= 'A' && character <= 'Z' ? static_cast<char>(character + 32) : character;
    });
    return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

FileKind file_kind(const std::filesystem::path& path) {
    return has_picture_ending(path) ? FileKind::kPicture : kind_of_content(path);
}

FileKind kind_of_content(const std::filesystem::path& path) {
    // Opening a pipe or a device may wait, or do something.
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0) return FileKind::kUnreadable;
    if (!S_ISREG(facts.st_mode)) return FileKind::kOther;
    const Descriptor file(retried([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); }));
    std::array<char, 132> beginning{};
    if (file.get() < 0) return FileKind::kUnreadable;
    std::size_t size = 0;
    while (size < beginning.size()) {
        const ssize_t count = retried([&] {
            return ::pread(file.get(), beginning.data() + size, beginning.size() - size, static_cast<off_t>(size));
        });
        if (count < 0) return FileKind::kUnreadable;
        if (count == 0) break;
        size += static_cast<std::size_t>(count);
    }
    const std::string_view bytes(beginning.data(), size);
    const bool known = std::any_of(kSignatures.begin(), kSignatures.end(), [&](const Signature& signature) {
        return bytes.size() > signature.offset && bytes.substr(signature.offset).starts_with(signature.bytes);
    });
    return known || is_bitmap(bytes) ? FileKind::kPicture : FileKind::kOther;
}

}  // namespace fovea::cli
