// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/image.h"

namespace fovea::preprocess {

// The DHT segment of the tables in ITU-T T.81, K.3, which frames of motion JPEG leave out.
inline constexpr std::size_t kStandardHuffmanSize = 420;
extern const std::uint8_t kStandardHuffmanSegment[kStandardHuffmanSize];

// A JPEG file as stb_image takes it. Where a file departs from the standard in a way that leaves no
// doubt about its pixels, the departure is written over in a copy; a file that needs none is not
// copied. Positions are those in the original.
class MendedJpeg {
  public:
    explicit MendedJpeg(const Allocator& allocator) : copy_(allocator) {}

    // data must outlive this; its copy takes at most max_bytes.
    void start(const std::uint8_t* data, std::size_t size, std::uint64_t max_bytes);

    // Sets [begin, end) to value.
    Status fill(const std::uint8_t* begin, const std::uint8_t* end, std::uint8_t value);
    Status put(const std::uint8_t* at, std::uint8_t value) { return fill(at, at + 1, value); }
    // The end marker comes here; the rest is left out.
    Status end_at(const std::uint8_t* at);
    // The standard Huffman tables come before everything else.
    Status add_standard_huffman();

    const std::uint8_t* data() const {
        return copy_.empty() ? original_ : copy_.data() + kFront - front_;
    }
    std::size_t size() const { return front_ + size_; }
    std::size_t copied_bytes() const { return copy_.size(); }

  private:
    static constexpr std::size_t kFront = kStandardHuffmanSize;
    static constexpr std::size_t kBack = 2;  // for an end marker

    Status copy();

    const std::uint8_t* original_ = nullptr;
    std::size_t size_ = 0;
    std::size_t front_ = 0;  // bytes before the original's
    std::uint64_t max_bytes_ = 0;
    Buffer<std::uint8_t> copy_;
};

}  // namespace fovea::preprocess
