// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace fovea::cli {

// By its name alone: an ending that pictures have, those that fovea cannot read among them.
bool has_picture_ending(const std::filesystem::path& path);

enum class FileKind {
    kPicture,     // by its name or its first bytes: to be screened, or to be named when it cannot be read
    kOther,       // no picture
    kUnreadable,  // cannot be opened, so that nobody knows
};

// What a file in a folder is. A picture's name ends as pictures of cameras, scanners and archives do; a file of any name is one when
// it begins as a JPEG, PNG, TIFF, WebP, HEIF, GIF, BMP, JPEG 2000, JPEG XL or DICOM file does.
FileKind file_kind(const std::filesystem::path& path);
// By its first bytes alone.
FileKind kind_of_content(const std::filesystem::path& path);

}  // namespace fovea::cli
