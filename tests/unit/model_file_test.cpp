// SPDX-License-Identifier: Apache-2.0
// Every demand of models/FORMAT.md, one damaged field at a time, checksums made right again: each
// must be refused with its own message.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "fovea/fovea.h"
#include "tests/unit/load_attempt.h"
#include "tests/unit/model_builder.h"
#include "tests/unit/test_memory.h"

namespace {

using namespace model_builder;
using load_attempt::Attempt;
using load_attempt::load;
using test_memory::AlignedCopy;

// A way to spoil a file, and what the refusal must say.
struct Damage {
    const char* message;  // part of the log line
    std::function<void(Bytes*)> apply;
    fovea_status status = FOVEA_ERROR_BAD_MODEL;
};

constexpr std::size_t kNodes = 64;  // offsets in GRPH
constexpr std::size_t kNodeSize = 128;
// Nodes of tiny_spec().
enum { kRescaling, kStem, kDepthwiseNode, kProject, kAddNode, kGap, kLogitsNode, kSoftmaxNode };

// Sets a u32 (or so) in a section.
std::function<void(Bytes*)> set(const char* tag, std::size_t offset, std::uint32_t value) {
    return [=](Bytes* file) { put_u32(file, find_section(*file, tag).offset + offset, value); };
}
std::function<void(Bytes*)> set_float(const char* tag, std::size_t offset, float value) {
    return [=](Bytes* file) { put_f32(file, find_section(*file, tag).offset + offset, value); };
}
std::function<void(Bytes*)> set_double(const char* tag, std::size_t offset, double value) {
    return [=](Bytes* file) { put_f64(file, find_section(*file, tag).offset + offset, value); };
}
std::function<void(Bytes*)> set_node(int node, std::size_t offset, std::uint32_t value) {
    return set("GRPH", kNodes + static_cast<std::size_t>(node) * kNodeSize + offset, value);
}
std::function<void(Bytes*)> set_entry(const char* tag, std::size_t offset, std::uint32_t value) {
    return [=](Bytes* file) { put_u32(file, find_section(*file, tag).entry + offset, value); };
}
std::function<void(Bytes*)> set_tensor(int tensor, std::size_t offset, std::uint32_t value) {
    return set("TNSR", 8 + static_cast<std::size_t>(tensor) * 64 + offset, value);
}
std::function<void(Bytes*)> set_header(std::size_t offset, std::uint32_t value) {
    return [=](Bytes* file) { put_u32(file, offset, value); };
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr std::uint32_t kBig = 0x7FFFFFFFu;

// Tensors of tiny_spec() in file order: 0/1 rescaling, 2/3 stem, 4/5 depthwise, 6 project, 7/8
// logits.
const std::vector<Damage>& damages() {
    static const std::vector<Damage> list = {
        // Header
        {"first bytes", set_header(0, 0), FOVEA_ERROR_NOT_A_MODEL},
        {"format version 2", set_header(8, 2), FOVEA_ERROR_UNSUPPORTED_MODEL},
        {"header size is 65", set_header(12, 65)},
        {"file size should be", set_header(16, 64)},
        {"section count 0", set_header(24, 0)},
        {"section count 65", set_header(24, 65)},
        {"header: reserved", set_header(32, 1)},
        {"header: reserved", set_header(56, 1u << 31)},
        {"the file ends inside it", [](Bytes* file) {
             file->resize(128);
             put_u64(file, 16, 128);
         }},
        // Section table
        {"not four capitals", set_entry("PREP", 0, 0x50455250u | 0x20202020u)},
        {"section PREP: reserved bits", set_entry("PREP", 4, 3)},
        {"section PREP: reserved bits", set_entry("PREP", 28, 1)},
        {"section PREP: offset is not a multiple", [](Bytes* file) {
             const SectionPlace place = find_section(*file, "PREP");
             put_u64(file, place.entry + 8, place.offset + 4);
         }},
        {"section PREP: reaches past the end", set_entry("PREP", 8, 0x7FFFFFC0u)},
        {"section PREP: reaches past the end", set_entry("PREP", 20, 0xFFFFFFFFu)},
        {"section STRS: overlaps", set_entry("STRS", 8, 0)},
        {"section TNSR: overlaps", [](Bytes* file) {
             put_u64(file, find_section(*file, "TNSR").entry + 8,
                     find_section(*file, "GRPH").offset);
         }},
        {"section TNSR: the gap before it is not padding", [](Bytes* file) {
             const SectionPlace place = find_section(*file, "GRPH");
             file->at(place.offset + place.size) = 1;
         }},
        {"section GOLD: the gap before it is not padding", [](Bytes* file) {  // zeros, but too many
             const SectionPlace place = find_section(*file, "GOLD");
             file->insert(file->begin() + static_cast<long>(place.offset), 64, 0);
             put_u64(file, place.entry + 8, place.offset + 64);
             put_u64(file, 16, file->size());
         }},
        {"section PREP: occurs twice", set_entry("LABL", 0, 0x50455250u)},
        {"section PREP: not flagged required", set_entry("PREP", 4, 0)},
        {"section XXXX: required, but this build", set_entry("PREP", 0, 0x58585858u),
         FOVEA_ERROR_UNSUPPORTED_MODEL},
        {"section PREP: missing", [](Bytes* file) {
             const SectionPlace place = find_section(*file, "PREP");
             put_u32(file, place.entry, 0x58585858u);
             put_u32(file, place.entry + 4, 0);
         }},
        {"bytes follow the last section", [](Bytes* file) {
             file->push_back(0);
             put_u64(file, 16, file->size());
         }},
        // STRS
        {"section STRS: more than 65536", set("STRS", 0, 65537)},
        {"section STRS: ends inside", set("STRS", 0, 65536)},
        {"section STRS: the first string", set("STRS", 4, 0)},
        {"section STRS: the last offset", [](Bytes* file) {
             const SectionPlace place = find_section(*file, "STRS");
             const std::uint32_t count = get_u32(*file, place.offset);
             const auto size = static_cast<std::uint32_t>(place.size);
             put_u32(file, place.offset + 4 + count * 4, size - 1);
         }},
        {"section STRS: offsets of string 0", set("STRS", 8, 0)},
        {"section STRS: offsets of string 0", set("STRS", 8, kBig)},
        {"section STRS: string 0 does not end", [](Bytes* file) {
             const SectionPlace place = find_section(*file, "STRS");
             file->at(place.offset + get_u32(*file, place.offset + 4)) = 0;
         }},
        {"section STRS: string 0 does not end", [](Bytes* file) {
             const SectionPlace place = find_section(*file, "STRS");
             file->at(place.offset + get_u32(*file, place.offset + 8) - 1) = 'x';
         }},
        {"section STRS: string 0 is not UTF-8", [](Bytes* file) {
             const SectionPlace place = find_section(*file, "STRS");
             file->at(place.offset + get_u32(*file, place.offset + 4)) = 0xC0;
         }},
        // GRPH header
        {"section GRPH: node count", set("GRPH", 0, 0)},
        {"section GRPH: node count", set("GRPH", 0, 65537)},
        {"section GRPH: wrong size", set("GRPH", 0, 65536)},
        {"section GRPH: wrong size", set("GRPH", 4, kBig)},
        {"section GRPH: wrong size", set("GRPH", 8, 0xFFFFFFFFu)},
        {"section GRPH: input channels", set("GRPH", 20, 0)},
        {"section GRPH: input channels", set("GRPH", 20, 5)},
        {"section GRPH: the default input size", set("GRPH", 24, 0)},
        {"section GRPH: the default input size", set("GRPH", 24, 5)},
        {"section GRPH: the default input size", set("GRPH", 28, 65537)},
        {"section GRPH: the default input size", set("GRPH", 16, 3)},
        {"section GRPH: the logits", set("GRPH", 32, 0)},
        {"section GRPH: the logits", set("GRPH", 32, 9)},
        {"section GRPH: the probabilities", set("GRPH", 36, 0)},
        {"section GRPH: the probabilities", set("GRPH", 36, 9)},
        {"not as a vector", [](Bytes* file) {
             set("GRPH", 32, 2)(file);
             set("GRPH", 36, 2)(file);
         }},
        {"the probabilities are not the softmax", [](Bytes* file) {
             set("GRPH", 32, 8)(file);
             set("GRPH", 36, 7)(file);
         }},
        {"section GRPH: reserved bytes", set("GRPH", 40, 1)},
        // Nodes
        {"node 1: unknown kind 0", set_node(kStem, 0, 0), FOVEA_ERROR_UNSUPPORTED_MODEL},
        {"node 1: unknown kind 16", set_node(kStem, 0, 16), FOVEA_ERROR_UNSUPPORTED_MODEL},
        {"node 1: unknown activation 13", set_node(kStem, 4, 13), FOVEA_ERROR_UNSUPPORTED_MODEL},
        {"'softmax' (softmax): a softmax has no activation", set_node(kSoftmaxNode, 4, 1)},
        {"'stem' (convolution): wrong activation parameter", set_node(kStem, 8, 0x3F800000u)},
        {"'stem' (convolution): wrong activation parameter", [](Bytes* file) {
             set_node(kStem, 4, kLeakyRelu)(file);
             set_node(kStem, 8, 0x7FC00000u)(file);
         }},
        {"'stem' (convolution): operands past the end", set_node(kStem, 12, 0xFFFFFFFFu)},
        {"'add' (add): wrong number of operands", set_node(kAddNode, 16, 1)},
        {"'stem' (convolution): wrong number of operands", set_node(kStem, 16, 2)},
        {"'stem' (convolution): an operand that is not made", [](Bytes* file) {
             const std::size_t operands = kNodes + 8 * kNodeSize;
             set("GRPH", operands + 4, 2)(file);
         }},
        {"'stem' (convolution): weights are no tensor", set_node(kStem, 20, 9)},
        {"'stem' (convolution): weights are no tensor", set_node(kStem, 20, 0xFFFFFFFFu)},
        {"'stem' (convolution): bias is no tensor", set_node(kStem, 24, 9)},
        {"'rescaling' (affine): bias is no tensor", set_node(kRescaling, 24, 0xFFFFFFFFu)},
        {"'add' (add): weights and bias should be none", set_node(kAddNode, 20, 0)},
        {"'stem' (convolution): weights are packed for another", set_node(kStem, 20, 4)},
        {"'depthwise' (depthwise convolution): bias is not a vector",
         set_node(kDepthwiseNode, 24, 0)},
        {"'stem' (convolution): weights are for another kernel", set_node(kStem, 28, 2)},
        {"'stem' (convolution): kernel is outside", set_node(kStem, 28, 0)},
        {"'stem' (convolution): kernel is outside", set_node(kStem, 32, 65536)},
        {"'add' (add): kernel and stride should be 0", set_node(kAddNode, 28, 1)},
        {"'stem' (convolution): stride is outside", set_node(kStem, 36, 0)},
        {"'stem' (convolution): stride is outside", set_node(kStem, 40, 65536)},
        {"'gap' (global pool): kernel and stride should be 0", set_node(kGap, 40, 1)},
        {"'stem' (convolution): dilation is outside", set_node(kStem, 44, 0)},
        {"'stem' (convolution): dilation is outside", set_node(kStem, 48, 65536)},
        {"'stem' (convolution): the dilated kernel", set_node(kStem, 48, 65535)},
        {"'gap' (global pool): dilation should be 0", set_node(kGap, 44, 1)},
        {"node 1: unknown padding mode", set_node(kStem, 52, 2)},
        {"'gap' (global pool): padding mode should be 0", set_node(kGap, 52, 1)},
        {"'stem' (convolution): padding should be 0", set_node(kStem, 56, 1)},
        {"'gap' (global pool): padding should be 0", set_node(kGap, 68, 1)},
        {"(depthwise convolution): padding is over", set_node(kDepthwiseNode, 60, 65536)},
        {"'stem' (convolution): groups do not divide", set_node(kStem, 72, 0)},
        {"'stem' (convolution): groups do not divide", set_node(kStem, 72, 2)},
        {"(depthwise convolution): groups should be 0", set_node(kDepthwiseNode, 72, 1)},
        {"'stem' (convolution): output channels differ", set_node(kStem, 76, 6)},
        {"'gap' (global pool): output channels should be 0", set_node(kGap, 76, 5)},
        {"'gap' (global pool): unknown variant", set_node(kGap, 80, 2)},
        {"'stem' (convolution): unknown variant", set_node(kStem, 80, 1)},
        {"node 1: reserved bytes", set_node(kStem, 84, 1)},
        {"node 1: reserved bytes", set_node(kStem, 124, 1u << 31)},
        // Shapes at the default size
        {"'project' (convolution): its weights are for", [](Bytes* file) {
             const std::size_t operands = kNodes + 8 * kNodeSize;
             set("GRPH", operands + 4 * 3, 0)(file);  // reads the 3-channel input
         }},
        {"'add' (add): 4 x 4 x 3 cannot be broadcast", [](Bytes* file) {
             const std::size_t operands = kNodes + 8 * kNodeSize;
             set("GRPH", operands + 4 * 5, 1)(file);
         }},
        {"'logits' (dense): its input is not a vector", [](Bytes* file) {
             const std::size_t operands = kNodes + 8 * kNodeSize;
             set("GRPH", operands + 4 * 7, 5)(file);
         }},
        // Names
        {"section GRPH: name 1 is no string", set("GRPH", kNodes + 8 * kNodeSize + 9 * 4 + 8, 999)},
        {"is of no node", set("GRPH", kNodes + 8 * kNodeSize + 9 * 4 + 12, 8)},
        {"'stem' is out of order", set("GRPH", kNodes + 8 * kNodeSize + 9 * 4 + 4, 7)},
        {"name 'rescaling' occurs twice", [](Bytes* file) {
             const std::size_t names = kNodes + 8 * kNodeSize + 9 * 4;
             const std::size_t at = find_section(*file, "GRPH").offset + names;
             put_u32(file, at + 8, get_u32(*file, at));
         }},
        // TNSR and WGHT
        {"section TNSR: reserved bytes", set("TNSR", 4, 1)},
        {"section TNSR: wrong size", set("TNSR", 0, 10)},
        {"tensor 2: unknown type", set_tensor(2, 0, 4)},
        {"tensor 2: unknown packing", set_tensor(2, 4, 4)},
        {"tensor 2: a dimension is 0", set_tensor(2, 8, 0)},
        {"tensor 3: an unused dimension", set_tensor(3, 12, 2)},
        {"tensor 4: an unused dimension", set_tensor(4, 20, 2)},
        {"tensor 2: offset is not a multiple", set_tensor(2, 24, 4)},
        {"tensor 2: reaches past the end of section WGHT", set_tensor(2, 28, 1)},
        {"tensor 2: reaches past the end of section WGHT", set_tensor(2, 36, 0xFFFFFFFFu)},
        {"tensor 2: is not at the next", set_tensor(2, 24, 64)},
        {"tensor 2: the gap before it is not zero", [](Bytes* file) {
             file->at(find_section(*file, "WGHT").offset + 64 + 32) = 1;
         }},
        {"tensor 2: reserved bytes", set_tensor(2, 40, 1)},
        {"tensor 2 of layer 'stem' (convolution): its size", set_tensor(2, 16, 4)},
        {"tensor 2 of layer 'stem' (convolution): its size", set_tensor(2, 16, 0xFFFFFFFFu)},
        {"of layer 'stem' (convolution): whole numbers, in a file without section QUNT", set_tensor(2, 0, 3)},
        {"of layer 'stem' (convolution): its size", set_tensor(2, 4, 3)},  // panels of codes
        {"of layer 'stem' (convolution): holds a NaN", set_float("WGHT", 128, kNan)},
        {"of layer 'rescaling' (affine): holds a NaN",
         set_float("WGHT", 0, std::numeric_limits<float>::infinity())},
        {"of layer 'rescaling' (affine): padding lanes", set_float("WGHT", 12, 1)},
        {"of layer 'stem' (convolution): padding lanes", set_float("WGHT", 128 + 20, 1)},
        {"of layer 'depthwise' (depthwise convolution): padding lanes", [](Bytes* file) {
             const std::size_t tensors = find_section(*file, "TNSR").offset + 8;
             const std::size_t at = get_u32(*file, tensors + 4 * 64 + 24);
             put_f32(file, find_section(*file, "WGHT").offset + at + 5 * 4, 1);
         }},
        {"section WGHT: does not end with the last tensor", set_tensor(8, 32, 16)},
        {"used by no node", set_node(kStem, 24, 0xFFFFFFFFu)},
        // PREP
        {"section PREP: unknown preset 6", set("PREP", 0, 6), FOVEA_ERROR_UNSUPPORTED_MODEL},
        {"section PREP: reserved flags", set("PREP", 4, 16)},
        {"section PREP: sigma", set_float("PREP", 8, kNan)},
        {"section PREP: sigma", set_float("PREP", 8, 257)},
        {"section PREP: sigma", set_float("PREP", 8, -1)},
        {"section PREP: sigma", set_float("PREP", 8, 0)},
        {"section PREP: tolerance", set("PREP", 12, 256)},
        {"section PREP: unknown resize", set("PREP", 16, 2)},
        {"section PREP: graham2015 scale", set_float("PREP", 20, 300)},
        {"section PREP: graham2015 scale", set("PREP", 0, 4)},
        {"section PREP: graham2015 scale",
         [](Bytes* file) {
             set("PREP", 0, 4)(file);
             set_float("PREP", 20, 7681)(file);
         }},
        {"section PREP: the size that", set("PREP", 24, 0)},
        {"section PREP: the size that", set("PREP", 28, 65537)},
        {"section PREP: scaled decoding is outside", set("PREP", 32, 1)},
        {"section PREP: scaled decoding is outside", set("PREP", 32, 17)},
        {"section PREP: scaled decoding is not for", set("PREP", 32, 2)},  // cv_linear
        {"section PREP: scaled decoding is not for",
         [](Bytes* file) {
             set("PREP", 0, 2)(file);  // kaggle_circle
             set("PREP", 16, 1)(file);
             set("PREP", 32, 2)(file);
         }},
        {"section PREP: reserved bytes", set("PREP", 36, 1)},
        // LABL
        {"section LABL: unknown target 4", set("LABL", 0, 4), FOVEA_ERROR_UNSUPPORTED_MODEL},
        {"section LABL: unknown output form 3", set("LABL", 4, 3), FOVEA_ERROR_UNSUPPORTED_MODEL},
        {"section LABL: class count", set("LABL", 8, 0)},
        {"section LABL: class count", set("LABL", 8, 1001)},
        {"section LABL: wrong size", set("LABL", 8, 3)},
        {"section LABL: reserved bytes", set("LABL", 12, 1)},
        {"section LABL: target grade5 needs five", set("LABL", 0, 3)},
        {"the labels are for 1 outputs, the network has 2", set("LABL", 4, 1)},
        {"the probabilities are not the sigmoid", set("LABL", 4, 2)},
        {"section LABL: a class name is no string", set("LABL", 16, 999)},
        // OPPT
        {"section OPPT: temperature", set_double("OPPT", 0, 0)},
        {"section OPPT: temperature", set_double("OPPT", 0, -1)},
        {"section OPPT: temperature",
         set_double("OPPT", 0, std::numeric_limits<double>::quiet_NaN())},
        {"section OPPT: more than 16", set("OPPT", 8, 17)},
        {"section OPPT: wrong size", set("OPPT", 8, 3)},
        {"section OPPT: the default operating point", set("OPPT", 12, 2)},
        {"section OPPT: an operating point's name is no", set("OPPT", 16, 999)},
        {"section OPPT: an operating point is for a question", set("OPPT", 20, 2)},
        {"section OPPT: an operating point asks for grades", set("OPPT", 20, 1)},
        {"section OPPT: a threshold", set_double("OPPT", 24, 1.5)},
        {"section OPPT: a threshold",
         set_double("OPPT", 24, std::numeric_limits<double>::quiet_NaN())},
        {"section OPPT: two operating points", [](Bytes* file) {
             const std::size_t at = find_section(*file, "OPPT").offset;
             put_u32(file, at + 32, get_u32(*file, at + 16));
         }},
        // GOLD
        {"section GOLD: count", set("GOLD", 0, 0)},
        {"section GOLD: count", set("GOLD", 0, 65)},
        {"section GOLD: wrong size", set("GOLD", 0, 2)},
        {"section GOLD: the size of the pictures", set("GOLD", 4, 0)},
        {"section GOLD: the size of the pictures", set("GOLD", 8, 65537)},
        {"section GOLD: the size of the pictures", set("GOLD", 12, 5)},
        {"section GOLD: output count", set("GOLD", 16, 0)},
        {"section GOLD: tolerance", set_float("GOLD", 20, kNan)},
        {"section GOLD: reserved bytes", set("GOLD", 24, 1)},
        {"section GOLD: a logit is not finite", set_float("GOLD", 32, kNan)},
        {"section GOLD: pictures of 8 x 2", [](Bytes* file) {
             set("GOLD", 4, 8)(file);
             set("GOLD", 8, 2)(file);
         }},
        {"section GOLD: 14 outputs", [](Bytes* file) {  // 1 x 1 x 3 pixels, the rest outputs
             set("GOLD", 4, 1)(file);
             set("GOLD", 8, 1)(file);
             set("GOLD", 12, 1)(file);
             set("GOLD", 16, 14)(file);
             put_u64(file, find_section(*file, "GOLD").entry + 16, 32 + 60);
             file->resize(find_section(*file, "GOLD").offset + 32 + 60);
             std::fill(file->end() - 60, file->end(), std::uint8_t{0});
             put_u64(file, 16, file->size());
         }},
        // PROV
        {"section PROV: reserved bytes", set("PROV", 4, 1)},
        {"section PROV: wrong size", set("PROV", 0, 0xFFFFFFFFu)},
        {"section PROV: a key or a value is no string", set("PROV", 12, 999)},
        {"section PROV: key 'model_name' occurs twice", [](Bytes* file) {
             const std::size_t at = find_section(*file, "PROV").offset;
             put_u32(file, at + 16, get_u32(*file, at + 8));
         }},
    };
    return list;
}

std::string temporary_file(const Bytes& prefix, const Bytes& file) {
    char path[] = "/tmp/fovea_model_XXXXXX";
    const int descriptor = mkstemp(path);
    REQUIRE(descriptor >= 0);
    for (const Bytes* part : {&prefix, &file}) {
        REQUIRE(write(descriptor, part->data(), part->size()) ==
                static_cast<ssize_t>(part->size()));
    }
    close(descriptor);
    return path;
}

}  // namespace

TEST_CASE("a sound file loads and says what was written") {
    const Bytes file = build(tiny_spec());
    AlignedCopy copy(file.data(), file.size());
    fovea_model* model = nullptr;
    REQUIRE(fovea_model_load_memory(copy.data(), copy.size(), FOVEA_BORROW, nullptr, &model) ==
            FOVEA_OK);
    fovea_model_info info;
    info.size = sizeof(info);
    REQUIRE(fovea_model_describe(model, &info) == FOVEA_OK);
    CHECK(std::string(info.name) == "tiny");
    CHECK(std::string(info.dtype) == "fp32");
    CHECK(std::string(info.target) == "any_dr");
    CHECK(std::string(info.preset) == "kaggle_ben_color");
    CHECK(info.input_height == 4);
    CHECK(info.default_input_width == 4);
    CHECK(info.input_channels == 3);
    CHECK(info.class_count == 2);
    CHECK(info.logit_count == 2);
    CHECK(info.temperature == 1.5);
    CHECK(info.operating_point_count == 2);
    CHECK(info.node_count == 8);
    CHECK(info.tap_count == 8);
    CHECK(info.golden_count == 1);
    CHECK(info.file_size == file.size());
    CHECK(std::string(fovea_model_class_name(model, 1)) == "dr");
    CHECK(fovea_model_class_name(model, 2) == nullptr);
    CHECK(std::string(fovea_model_tap_name(model, 1)) == "stem");
    CHECK(fovea_model_tap_name(model, 8) == nullptr);
    double threshold = 0;
    CHECK(std::string(fovea_model_operating_point(model, 1, &threshold)) == "sensitive");
    CHECK(threshold == 0.25);
    CHECK(fovea_model_operating_point(model, 2, nullptr) == nullptr);
    const char* value = nullptr;
    CHECK(std::string(fovea_model_provenance(model, 1, &value)) == "source_file");
    CHECK(std::string(value) == "tiny.h5");
    fovea_model_close(&model);
    CHECK(model == nullptr);
}

TEST_CASE("without calibration the temperature is 1 and the point is balanced at one half") {
    ModelSpec spec = tiny_spec();
    spec.with_calibration = false;
    const Bytes file = build(spec);
    fovea_model* model = nullptr;
    REQUIRE(fovea_model_load_memory(file.data(), file.size(), FOVEA_COPY, nullptr, &model) ==
            FOVEA_OK);
    double threshold = 0;
    CHECK(std::string(fovea_model_operating_point(model, 0, &threshold)) == "balanced");
    CHECK(threshold == 0.5);
    fovea_model_close(&model);
}

TEST_CASE("each damage is refused with its own message") {
    const Bytes sound = build(tiny_spec());
    REQUIRE(load(sound).status == FOVEA_OK);
    for (const Damage& damage : damages()) {
        Bytes file = sound;
        damage.apply(&file);
        refresh_checksums(file.data(), file.size());
        const Attempt attempt = load(file);
        const std::string wanted = damage.message;
        CHECK_MESSAGE(attempt.status == damage.status, wanted, " / ", attempt.message);
        CHECK_MESSAGE(attempt.message.find(wanted) != std::string::npos, "wanted '", wanted,
                      "', got '", attempt.message, "'");
    }
}

TEST_CASE("damaged weights of half precision are refused") {
    ModelSpec spec = tiny_spec();
    for (auto& node : spec.nodes) {
        for (float& weight : node.weights) weight = model_builder::nearest_half(weight);
    }
    spec.half_weights = true;
    const Bytes sound = build(spec);
    REQUIRE(load(sound).status == FOVEA_OK);
    const std::size_t stem = find_section(sound, "WGHT").offset + 128;  // 5 channels, 8 lanes
    const auto message = [&](std::size_t offset, std::uint8_t low, std::uint8_t high) {
        Bytes file = sound;
        file.at(offset) = low;
        file.at(offset + 1) = high;
        refresh_checksums(file.data(), file.size());
        return load(file).message;
    };
    const std::string layer = "of layer 'stem' (convolution): ";
    CHECK(message(stem, 0x00, 0x7C).find(layer + "holds a NaN or an inf") != std::string::npos);
    CHECK(message(stem + 2, 0x01, 0xFE).find(layer + "holds a NaN or an inf") != std::string::npos);
    CHECK(message(stem, 0xFF, 0x7B).empty());  // the largest number
    CHECK(message(stem, 0x00, 0x80).empty());  // minus zero
    CHECK(message(stem + 10, 0x01, 0x00).find(layer + "padding lanes") != std::string::npos);
    CHECK(message(stem + 14, 0x00, 0x80).find(layer + "padding lanes") != std::string::npos);
    Bytes file = sound;  // the rescaling's scale: 8 floats, or 16 halves of 3 lanes
    put_u32(&file, find_section(file, "TNSR").offset + 8, 1);
    put_u64(&file, find_section(file, "TNSR").offset + 8 + 32, 16);
    refresh_checksums(file.data(), file.size());
    CHECK(load(file).message.find("of layer 'rescaling' (affine): a vector in f16") != std::string::npos);
}

TEST_CASE("labels that do not go together are refused") {
    ModelSpec spec = tiny_spec();
    spec.classes = {"alone"};
    CHECK(load(build(spec)).message == "section LABL: this target needs two classes or more");
    spec.target = 0;
    CHECK(load(build(spec)).message.find("the labels are for 1 outputs") != std::string::npos);
    spec = tiny_spec();
    spec.classes = {"a", "b", "c"};
    spec.output_form = 1;
    CHECK(load(build(spec)).message == "section LABL: one sigmoid needs two classes");
}

TEST_CASE("nodes that share panels must have the same groups") {
    ModelSpec spec;
    const auto pointwise = [](std::uint32_t groups, std::uint32_t in_group) {
        return NodeSpec{.kind = kConvolution,
                        .inputs = {0},
                        .weights = std::vector<float>(in_group * 16, 0.5f),
                        .kernel_height = 1,
                        .kernel_width = 1,
                        .stride_y = 1,
                        .stride_x = 1,
                        .dilation_y = 1,
                        .dilation_x = 1,
                        .groups = groups,
                        .output_channels = 16};
    };
    spec.input_channels = 2;
    spec.add(pointwise(1, 2));
    spec.add(pointwise(2, 1));
    spec.add({.kind = kAdd, .inputs = {1, 2}});
    spec.add({.kind = kGlobalPool, .inputs = {3}});
    spec.logits = spec.probabilities = 4;
    spec.target = 0;
    spec.classes = std::vector<std::string>(16, "c");
    Bytes file = build(spec);
    REQUIRE(load(file).status == FOVEA_OK);
    set_node(1, 20, 0)(&file);  // the grouped one takes the other's weights
    refresh_checksums(file.data(), file.size());
    CHECK(load(file).message.find("shares weights with a node of other groups") !=
          std::string::npos);
}

TEST_CASE("wrong checksums are told") {
    const Bytes sound = build(tiny_spec());
    Bytes file = sound;
    file[60] ^= 1;
    CHECK(load(file).message == "header: wrong checksum");
    file = sound;
    file[64 + 9] ^= 1;
    CHECK(load(file).message == "section table: wrong checksum");
    file = sound;
    file[find_section(file, "WGHT").offset] ^= 1;
    CHECK(load(file).message == "section WGHT: wrong checksum");
}

TEST_CASE("optional sections that are not known are skipped") {
    Bytes file = build(tiny_spec());
    put_u32(&file, find_section(file, "GOLD").entry, 0x54555546u);  // "FUUT"
    refresh_checksums(file.data(), file.size());
    CHECK(load(file).status == FOVEA_OK);
}

TEST_CASE("short sections are refused") {
    for (const char* tag :
         {"STRS", "GRPH", "TNSR", "WGHT", "PREP", "LABL", "PROV", "OPPT", "GOLD"}) {
        const Bytes sound = build(tiny_spec());
        const std::size_t whole = find_section(sound, tag).size;
        for (std::size_t size = 0; size < whole; ++size) {
            Bytes file = sound;
            const SectionPlace place = find_section(file, tag);
            put_u64(&file, place.entry + 16, size);
            std::fill(file.begin() + static_cast<long>(place.offset + size),
                      file.begin() + static_cast<long>(place.offset + place.size), std::uint8_t{0});
            refresh_checksums(file.data(), file.size());
            const Attempt attempt = load(file);
            CHECK_MESSAGE(attempt.status == FOVEA_ERROR_BAD_MODEL, tag, " cut to ", size);
        }
    }
}

TEST_CASE("every truncation is refused") {
    const Bytes sound = build(tiny_spec());
    for (std::size_t size = 0; size < sound.size(); ++size) {
        Bytes file(sound.begin(), sound.begin() + static_cast<long>(size));
        const fovea_status status = load(file).status;
        CHECK((status == FOVEA_ERROR_BAD_MODEL || status == FOVEA_ERROR_NOT_A_MODEL));
        if (size >= 64) {
            put_u64(&file, 16, size);
            refresh_checksums(file.data(), file.size());
            CHECK(load(file).status != FOVEA_OK);
        }
    }
}

TEST_CASE("every flipped bit is refused") {
    const Bytes sound = build(tiny_spec());
    Bytes file = sound;
    for (std::size_t bit = 0; bit < sound.size() * 8; ++bit) {
        file[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
        CHECK_MESSAGE(load(file).status != FOVEA_OK, "bit ", bit);
        file[bit / 8] = sound[bit / 8];
    }
}

TEST_CASE("every flipped bit with right checksums is refused or harmless") {
    const Bytes sound = build(tiny_spec());
    Bytes file = sound;
    long refused = 0, harmless = 0;
    for (std::size_t bit = 0; bit < sound.size() * 8; ++bit) {
        file[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
        refresh_checksums(file.data(), file.size());
        AlignedCopy copy(file.data(), file.size());
        fovea_model* model = nullptr;
        if (fovea_model_load_memory(copy.data(), copy.size(), FOVEA_BORROW, nullptr, &model) ==
            FOVEA_OK) {
            fovea_session* session = nullptr;
            const std::uint8_t input[16 * 4] = {};
            fovea_model_info info;
            info.size = sizeof(info);
            REQUIRE(fovea_model_describe(model, &info) == FOVEA_OK);
            // A flip can make the input "any" size, never larger than the default.
            if (fovea_session_create(model, nullptr, &session) == FOVEA_OK) {
                CHECK(fovea_run(session, input, FOVEA_U8, nullptr, nullptr) == FOVEA_OK);
            }
            fovea_session_close(&session);
            ++harmless;
        } else {
            ++refused;
        }
        fovea_model_close(&model);
        file = sound;
    }
    CHECK(refused > 10000);
    CHECK(harmless > 1000);  // weights, thresholds, letters
}

TEST_CASE("the file's own entry points") {
    const Bytes sound = build(tiny_spec());
    fovea_model* model = nullptr;
    SUBCASE("a file is mapped") {
        const std::string path = temporary_file({}, sound);
        CHECK(fovea_model_load_file(path.c_str(), nullptr, &model) == FOVEA_OK);
        std::remove(path.c_str());
    }
    SUBCASE("inside another file, at a page, at 64 bytes, and anywhere") {
        for (const std::size_t offset : {std::size_t{4096}, std::size_t{64}, std::size_t{13}}) {
            const std::string path = temporary_file(Bytes(offset, 7), sound);
            const int descriptor = open(path.c_str(), O_RDONLY);
            std::remove(path.c_str());
            CHECK(fovea_model_load_descriptor(descriptor, offset, 0, nullptr, &model) == FOVEA_OK);
            fovea_model_close(&model);
            CHECK(fovea_model_load_descriptor(descriptor, offset, sound.size(), nullptr, &model) ==
                  FOVEA_OK);
            fovea_model_close(&model);
            CHECK(fovea_model_load_descriptor(descriptor, offset, sound.size() - 1, nullptr,
                                              &model) == FOVEA_ERROR_BAD_MODEL);
            CHECK(fovea_model_load_descriptor(descriptor, offset, sound.size() + 1, nullptr,
                                              &model) == FOVEA_ERROR_IO);
            CHECK(fovea_model_load_descriptor(descriptor, offset + sound.size(), 0, nullptr,
                                              &model) == FOVEA_ERROR_NOT_A_MODEL);
            CHECK(fovea_model_load_descriptor(descriptor, UINT64_MAX, 0, nullptr, &model) ==
                  FOVEA_ERROR_IO);
            close(descriptor);
            // The descriptor may be closed: what was loaded stays.
        }
    }
    SUBCASE("what is no file") {
        CHECK(fovea_model_load_file("/nonexistent/x.fovea", nullptr, &model) == FOVEA_ERROR_IO);
        CHECK(fovea_model_load_file("/tmp", nullptr, &model) == FOVEA_ERROR_IO);
        CHECK(fovea_model_load_file("/dev/null", nullptr, &model) == FOVEA_ERROR_IO);
        CHECK(fovea_model_load_descriptor(-1, 0, 0, nullptr, &model) == FOVEA_ERROR_IO);
        const std::string empty = temporary_file({}, {});
        CHECK(fovea_model_load_file(empty.c_str(), nullptr, &model) == FOVEA_ERROR_NOT_A_MODEL);
        std::remove(empty.c_str());
    }
    fovea_model_close(&model);
}
