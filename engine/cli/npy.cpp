// SPDX-License-Identifier: Apache-2.0
#include "npy.h"

#include <bit>
#include <charconv>
#include <cstring>
#include <string_view>

// Floats are copied as they lie in memory.
static_assert(std::endian::native == std::endian::little);

namespace fovea::cli {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMaxHeader = 65536;

// Reads the header's Python dictionary, of which only three keys may be there:
// {'descr': '<f4', 'fortran_order': False, 'shape': (224, 224, 3), }
class HeaderParser {
  public:
    explicit HeaderParser(std::string_view text) : rest_(text) {}

    bool parse() {
        if (!take('{')) return false;
        while (!take('}')) {
            std::string_view key;
            if (!take_string(key) || !take(':')) return false;
            if (key == "descr" && !has_descr) {
                has_descr = take_string(descr);
                if (!has_descr) return false;
            } else if (key == "fortran_order" && !has_order) {
                has_order = true;
                if (take_word("True")) {
                    fortran_order = true;
                } else if (!take_word("False")) {
                    return false;
                }
            } else if (key == "shape" && !has_shape) {
                has_shape = take_shape();
                if (!has_shape) return false;
            } else {
                return false;
            }
            if (!take(',') && !next_is('}')) return false;
        }
        skip_blanks();
        return rest_.empty() && has_descr && has_order && has_shape;
    }

    std::string_view descr;
    bool fortran_order = false;
    std::vector<std::uint64_t> shape;

  private:
    void skip_blanks() {
        const std::size_t first = rest_.find_first_not_of(" \t\r\n");
        rest_.remove_prefix(first == std::string_view::npos ? rest_.size() : first);
    }
    bool next_is(char character) {
        skip_blanks();
        return rest_.starts_with(character);
    }
    bool take(char character) {
        if (!next_is(character)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    bool take_word(std::string_view word) {
        skip_blanks();
        if (!rest_.starts_with(word)) return false;
        rest_.remove_prefix(word.size());
        return true;
    }
    bool take_string(std::string_view& value) {
        const char quote = next_is('"') ? '"' : '\'';
        if (!take(quote)) return false;
        const std::size_t end = rest_.find(quote);
        if (end == std::string_view::npos) return false;
        value = rest_.substr(0, end);
        rest_.remove_prefix(end + 1);
        return true;
    }
    bool take_shape() {
        if (!take('(')) return false;
        while (!take(')')) {
            skip_blanks();
            std::uint64_t size = 0;
            const char* end = rest_.data() + rest_.size();
            const auto [stop, error] = std::from_chars(rest_.data(), end, size);
            if (error != std::errc() || shape.size() == 8) return false;
            rest_.remove_prefix(static_cast<std::size_t>(stop - rest_.data()));
            shape.push_back(size);
            if (!take(',') && !next_is(')')) return false;
        }
        return true;
    }

    std::string_view rest_;
    bool has_descr = false, has_order = false, has_shape = false;
};

}  // namespace

bool parse_npy(const std::vector<unsigned char>& bytes, NpyPicture& picture, std::string& cause) {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (text.size() < 10 || !text.starts_with(kMagic)) {
        cause = "it is not a .npy file";
        return false;
    }
    const unsigned version = bytes[6];
    if (version < 1 || version > 3 || bytes[7] != 0) {
        cause = "its .npy version " + std::to_string(version) + "." + std::to_string(bytes[7]) +
                " is not 1.0, 2.0 or 3.0";
        return false;
    }
    const std::size_t length_bytes = version == 1 ? 2 : 4;
    const std::size_t header_begin = 8 + length_bytes;
    std::size_t header_length = 0;
    for (std::size_t i = 0; i < length_bytes && 8 + i < bytes.size(); ++i) {
        header_length |= std::size_t{bytes[8 + i]} << (8 * i);
    }
    if (bytes.size() < header_begin || header_length > kMaxHeader ||
        header_length > bytes.size() - header_begin) {
        cause = "its .npy header is cut off or too long";
        return false;
    }
    HeaderParser header(text.substr(header_begin, header_length));
    if (!header.parse()) {
        cause = "its .npy header is damaged";
        return false;
    }
    std::uint64_t value_bytes = 0;
    if (header.descr == "|u1") {
        picture.dtype = FOVEA_U8;
        value_bytes = 1;
    } else if (header.descr == "<f4") {
        picture.dtype = FOVEA_F32;
        value_bytes = 4;
    } else {
        cause = "its values are '" + std::string(header.descr.substr(0, 32)) +
                "'; uint8 ('|u1') or float32 ('<f4') is needed";
        return false;
    }
    if (header.fortran_order) {
        cause = "its values are in Fortran order; save it with numpy.ascontiguousarray";
        return false;
    }
    std::vector<std::uint64_t> shape = header.shape;
    if (shape.size() == 4 && shape[0] == 1) shape.erase(shape.begin());
    constexpr std::uint64_t kMaxSide = 1 << 20;
    if (shape.size() != 3 || shape[0] == 0 || shape[1] == 0 || shape[2] == 0 ||
        shape[0] > kMaxSide || shape[1] > kMaxSide || shape[2] > kMaxSide) {
        cause = "its shape is not (height, width, channels) or (1, height, width, channels)";
        return false;
    }
    // At most 2^60 * 4: no overflow.
    const std::uint64_t needed = shape[0] * shape[1] * shape[2] * value_bytes;
    const std::uint64_t present = bytes.size() - header_begin - header_length;
    if (needed != present) {
        cause = "it has " + std::to_string(present) + " bytes of values where its shape needs " +
                std::to_string(needed);
        return false;
    }
    picture.height = static_cast<std::uint32_t>(shape[0]);
    picture.width = static_cast<std::uint32_t>(shape[1]);
    picture.channels = static_cast<std::uint32_t>(shape[2]);
    picture.data_offset = header_begin + header_length;
    return true;
}

std::vector<unsigned char> make_npy(const float* data, const std::vector<std::size_t>& shape) {
    std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
    std::size_t count = 1;
    for (const std::size_t size : shape) {
        header += std::to_string(size) + ", ";
        count *= size;
    }
    header += "), }";
    // The values begin at a multiple of 64 bytes; a newline ends the header.
    constexpr std::size_t kBefore = 10;
    header.append(63 - (kBefore + header.size()) % 64, ' ');
    header += '\n';
    std::vector<unsigned char> bytes(kBefore + header.size() + count * sizeof(float));
    std::memcpy(bytes.data(), kMagic.data(), kMagic.size());
    bytes[6] = 1;
    bytes[8] = static_cast<unsigned char>(header.size() & 255);
    bytes[9] = static_cast<unsigned char>(header.size() >> 8);
    std::memcpy(bytes.data() + kBefore, header.data(), header.size());
    std::memcpy(bytes.data() + kBefore + header.size(), data, count * sizeof(float));
    return bytes;
}

}  // namespace fovea::cli
