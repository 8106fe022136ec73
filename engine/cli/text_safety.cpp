// SPDX-License-Identifier: Apache-2.0
#include "text_safety.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

namespace fovea::cli {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

struct CodePoint {
    char32_t value = 0;
    std::size_t length = 0;  // bytes; 0 = no UTF-8
};

CodePoint first_code_point(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = byte(0);
    if (lead < 0x80) return {lead, 1};
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
    char32_t value = lead & (0xffu >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0u) != 0x80) return {};
        value = value << 6 | (byte(i) & 0x3fu);
    }
    // Longer than needed, half of a UTF-16 pair, beyond Unicode.
    constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
    if (value < kLeast[length] || (value >= 0xd800 && value < 0xe000) || value > 0x10ffff) return {};
    return {value, length};
}

bool is_unsafe(char32_t value) {
    struct Span {
        char32_t first, last;
    };
    static constexpr std::array<Span, 10> kUnsafe = {{
        {0x00, 0x1f},        // C0 controls
        {0x7f, 0x9f},        // delete, C1 controls
        {0x061c, 0x061c},    // Arabic letter mark
        {0x200b, 0x200b},    // zero width space
        {0x200e, 0x200f},    // left-to-right and right-to-left marks
        {0x2028, 0x202e},    // line and paragraph separators, embeddings, overrides
        {0x2060, 0x206f},    // invisible operators, isolates
        {0xfeff, 0xfeff},    // byte-order mark
        {0xfff9, 0xfffb},    // interlinear annotations
        {0xe0000, 0xe0fff},  // tags
    }};
    for (const Span& span : kUnsafe) {
        if (value >= span.first && value <= span.last) return true;
    }
    return false;
}

}  // namespace

std::string printable(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        const CodePoint point = first_code_point(text);
        if (point.length == 0) {
            result += kReplacement;
            text.remove_prefix(1);
            continue;
        }
        if (is_unsafe(point.value)) {
            result += '?';
        } else {
            result += text.substr(0, point.length);
        }
        text.remove_prefix(point.length);
    }
    return result;
}

std::string escape_unsafe(std::string json) {
    std::string result;
    std::string_view rest = json;
    std::size_t clean = 0;  // bytes of `rest` that go over as they are
    while (clean < rest.size()) {
        const CodePoint point = first_code_point(rest.substr(clean));
        // The line feeds between rows are JSON's own; inside its strings all of C0 is escaped already.
        if (point.length == 0 || point.value < 0x20 || !is_unsafe(point.value)) {
            clean += point.length == 0 ? 1 : point.length;
            continue;
        }
        result += rest.substr(0, clean);
        rest.remove_prefix(clean + point.length);
        clean = 0;
        std::array<char, 16> escape{};
        const auto value = static_cast<unsigned>(point.value);
        if (value < 0x10000) {
            std::snprintf(escape.data(), escape.size(), "\\u%04x", value);
        } else {
            std::snprintf(escape.data(), escape.size(), "\\u%04x\\u%04x", 0xd7c0 + (value >> 10),
                          0xdc00 + (value & 0x3ff));
        }
        result += escape.data();
    }
    if (result.empty()) return json;
    return result.append(rest);
}

std::string one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = first_code_point(text).length;
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

}  // namespace fovea::cli
