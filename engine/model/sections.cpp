// SPDX-License-Identifier: Apache-2.0
// Sections STRS, PREP, LABL, OPPT, GOLD and PROV.
#include "engine/model/sections.h"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

constexpr std::uint32_t kMaxStrings = 65536;
constexpr std::uint32_t kMaxStringSize = 65536;

fovea_status bad(const Section& section, const Log& log, const char* what) {
    return log.fail(FOVEA_ERROR_BAD_MODEL, "section %s: %s", section.tag, what);
}

fovea_status no_memory(const Section& section, const Log& log) {
    return log.fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for section %s", section.tag);
}

// Well-formed UTF-8: no overlong forms, surrogates, or values past U+10FFFF.
bool is_utf8(const std::uint8_t* text, std::size_t size) {
    for (std::size_t i = 0; i < size;) {
        const std::uint8_t lead = text[i++];
        if (lead < 0x80) continue;
        int more = 0;
        std::uint8_t low = 0x80, high = 0xBF;  // bounds of the second byte
        if (lead >= 0xC2 && lead <= 0xDF) {
            more = 1;
        } else if (lead >= 0xE0 && lead <= 0xEF) {
            more = 2;
            if (lead == 0xE0) low = 0xA0;
            if (lead == 0xED) high = 0x9F;
        } else if (lead >= 0xF0 && lead <= 0xF4) {
            more = 3;
            if (lead == 0xF0) low = 0x90;
            if (lead == 0xF4) high = 0x8F;
        } else {
            return false;
        }
        for (; more > 0; --more) {
            if (i == size || text[i] < low || text[i] > high) return false;
            low = 0x80;
            high = 0xBF;
            ++i;
        }
    }
    return true;
}

}  // namespace

bool all_zero(const std::uint8_t* data, std::size_t size) {
    std::uint8_t any = 0;
    for (std::size_t i = 0; i < size; ++i) any |= data[i];
    return any == 0;
}

void sort_by_text(const char* const* texts, std::size_t bytes_apart, Buffer<std::uint32_t>* order) {
    const auto text = [=](std::uint32_t index) {
        const char* at = nullptr;
        std::memcpy(&at, reinterpret_cast<const char*>(texts) + index * bytes_apart, sizeof(at));
        return at;
    };
    for (std::size_t i = 0; i < order->size(); ++i) (*order)[i] = static_cast<std::uint32_t>(i);
    std::sort(order->begin(), order->end(),
              [&](std::uint32_t a, std::uint32_t b) { return std::strcmp(text(a), text(b)) < 0; });
}

fovea_status read_strings(const Section& section, const Log& log, Strings* strings) {
    if (section.size < 8) return bad(section, log, "too short");
    const std::uint32_t count = load_u32(section.data);
    if (count > kMaxStrings) return bad(section, log, "more than 65536 strings");
    const std::size_t first = 8 + std::size_t{count} * 4;
    if (section.size < first) return bad(section, log, "ends inside the offsets");
    const std::uint8_t* offsets = section.data + 4;
    if (load_u32(offsets) != first) {
        return bad(section, log, "the first string is not just after the offsets");
    }
    if (load_u32(offsets + std::size_t{count} * 4) != section.size) {
        return bad(section, log, "the last offset is not the section's size");
    }
    if (!strings->texts.allocate(count)) return no_memory(section, log);
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint32_t begin = load_u32(offsets + std::size_t{i} * 4);
        const std::uint32_t end = load_u32(offsets + (std::size_t{i} + 1) * 4);
        if (begin < first || end <= begin || end > section.size) {
            return log.fail(FOVEA_ERROR_BAD_MODEL, "section STRS: offsets of string %u are wrong",
                            i);
        }
        if (end - begin > kMaxStringSize) {
            return log.fail(FOVEA_ERROR_BAD_MODEL, "section STRS: string %u is too long", i);
        }
        const std::uint8_t* text = section.data + begin;
        const std::size_t length = end - begin - 1;
        if (text[length] != 0 || std::memchr(text, 0, length) != nullptr) {
            return log.fail(FOVEA_ERROR_BAD_MODEL,
                            "section STRS: string %u does not end at its only zero byte", i);
        }
        if (!is_utf8(text, length)) {
            return log.fail(FOVEA_ERROR_BAD_MODEL, "section STRS: string %u is not UTF-8", i);
        }
        strings->texts[i] = reinterpret_cast<const char*>(text);
    }
    return FOVEA_OK;
}

fovea_status read_preprocessing(const Section& section, const Log& log, Preprocessing* out) {
    if (section.size != 64) return bad(section, log, "size is not 64");
    const std::uint8_t* p = section.data;
    const std::uint32_t preset = load_u32(p);
    const std::uint32_t flags = load_u32(p + 4);
    const std::uint32_t resize = load_u32(p + 16);
    if (preset > static_cast<std::uint32_t>(preprocess::Preset::kEyeq)) {
        return log.fail(FOVEA_ERROR_UNSUPPORTED_MODEL, "section PREP: unknown preset %u", preset);
    }
    if ((flags & ~15u) != 0) return bad(section, log, "reserved flags are not zero");
    preprocess::PresetSettings& settings = out->settings;
    settings.preset = static_cast<preprocess::Preset>(preset);
    settings.circle_mask = (flags & 1) != 0;
    settings.gray_swapped = (flags & 2) != 0;
    settings.pad_square = (flags & 4) != 0;
    out->wants_bgr = (flags & 8) != 0;
    settings.sigma = static_cast<double>(load_f32(p + 8));
    const bool blurs =
        settings.preset == preprocess::Preset::kKaggleBenColor || settings.preset == preprocess::Preset::kKaggleCircle;
    // Written so that a NaN is refused.
    if (!(settings.sigma >= 0 && settings.sigma <= preprocess::kMaxSigma) || (blurs && settings.sigma == 0)) {
        return bad(section, log, "sigma is outside its range");
    }
    const std::uint32_t tolerance = load_u32(p + 12);
    if (tolerance > 255) return bad(section, log, "tolerance is over 255");
    settings.tolerance = static_cast<int>(tolerance);
    if (resize > 1) return bad(section, log, "unknown resize");
    settings.resize = resize == 1 ? preprocess::ResizeMethod::kArea : preprocess::ResizeMethod::kLinear;
    const double graham_scale = static_cast<double>(load_f32(p + 20));
    const bool has_scale = settings.preset == preprocess::Preset::kGraham2015;
    const bool scale_fits = has_scale ? graham_scale >= 1 && graham_scale <= preprocess::kMaxGrahamScale : graham_scale == 0;
    if (has_scale) settings.graham_scale = graham_scale;
    if (!scale_fits) return bad(section, log, "graham2015 scale is outside its range");
    out->trained_height = load_u32(p + 24);
    out->trained_width = load_u32(p + 28);
    if (out->trained_height < 1 || out->trained_height > kMaxInputSide || out->trained_width < 1 ||
        out->trained_width > kMaxInputSide) {
        return bad(section, log, "the size that the network was trained on is outside its range");
    }
    const std::uint32_t scaled_decoding = load_u32(p + 32);
    if (scaled_decoding == 1 || scaled_decoding > preprocess::kMaxScaledDecoding) {
        return bad(section, log, "scaled decoding is outside its range");
    }
    settings.scaled_decoding = static_cast<int>(scaled_decoding);
    if (scaled_decoding != 0 && !preprocess::may_decode_scaled(settings.preset, settings.resize)) {
        return bad(section, log, "scaled decoding is not for this preset or resize");
    }
    if (!all_zero(p + 36, 28)) return bad(section, log, "reserved bytes are not zero");
    return FOVEA_OK;
}

fovea_status read_labels(const Section& section, const Strings& strings, const Log& log,
                         Labels* labels) {
    if (section.size < 16) return bad(section, log, "too short");
    const std::uint8_t* p = section.data;
    const std::uint32_t target = load_u32(p);
    const std::uint32_t form = load_u32(p + 4);
    const std::uint32_t count = load_u32(p + 8);
    if (target > static_cast<std::uint32_t>(Target::kGrade5)) {
        return log.fail(FOVEA_ERROR_UNSUPPORTED_MODEL, "section LABL: unknown target %u", target);
    }
    if (form > static_cast<std::uint32_t>(OutputForm::kSigmoids)) {
        return log.fail(FOVEA_ERROR_UNSUPPORTED_MODEL, "section LABL: unknown output form %u",
                        form);
    }
    if (count < 1 || count > kMaxClasses) return bad(section, log, "class count outside 1 to 1000");
    if (load_u32(p + 12) != 0) return bad(section, log, "reserved bytes are not zero");
    if (section.size != 16 + std::size_t{count} * 4) return bad(section, log, "wrong size");
    labels->target = static_cast<Target>(target);
    labels->form = static_cast<OutputForm>(form);
    if (labels->form == OutputForm::kOneSigmoid && count != 2) {
        return bad(section, log, "one sigmoid needs two classes");
    }
    const bool two_sided =
        labels->target == Target::kAnyDr || labels->target == Target::kReferableDr;
    if (two_sided && count < 2) return bad(section, log, "this target needs two classes or more");
    if (labels->target == Target::kGrade5 && count != 5) {
        return bad(section, log, "target grade5 needs five classes");
    }
    if (!labels->classes.allocate(count)) return no_memory(section, log);
    for (std::uint32_t i = 0; i < count; ++i) {
        labels->classes[i] = strings.get(load_u32(p + 16 + std::size_t{i} * 4));
        if (labels->classes[i] == nullptr) return bad(section, log, "a class name is no string");
    }
    return FOVEA_OK;
}

const OperatingPoint* Calibration::any_dr_point(const char* name) const {
    for (std::uint32_t i = 0; i < any_dr_count; ++i) {
        if (std::strcmp(any_dr_points[i].name, name) == 0) return &any_dr_points[i];
    }
    return nullptr;
}

namespace {

// Reads one record behind the others of its question.
fovea_status read_operating_point(const Section& section, const std::uint8_t* entry, const Strings& strings, const Log& log,
                                  OperatingPoint* points, std::uint32_t* count) {
    OperatingPoint& point = points[*count];
    point.name = strings.get(load_u32(entry));
    point.threshold = load_f64(entry + 8);
    if (point.name == nullptr) return bad(section, log, "an operating point's name is no string");
    if (!(point.threshold >= 0 && point.threshold <= 1)) {
        return bad(section, log, "a threshold is outside 0 to 1");
    }
    for (std::uint32_t i = 0; i < *count; ++i) {
        if (std::strcmp(points[i].name, point.name) == 0) {
            return bad(section, log, "two operating points have the same name");
        }
    }
    ++*count;
    return FOVEA_OK;
}

}  // namespace

fovea_status read_calibration(const Section& section, const Strings& strings, const Labels& labels,
                              const Log& log, Calibration* calibration) {
    if (section.size < 16) return bad(section, log, "too short");
    const std::uint8_t* p = section.data;
    calibration->temperature = load_f64(p);
    const std::uint32_t count = load_u32(p + 8);
    calibration->default_point = load_u32(p + 12);
    // The kernels take the temperature as a float, which must be neither zero nor infinite there.
    if (!(calibration->temperature >= 1e-6 && calibration->temperature <= 1e6)) {
        return bad(section, log, "temperature is outside 1e-6 to 1e6");
    }
    if (count > kMaxOperatingPoints) return bad(section, log, "more than 16 operating points");
    if (section.size != 16 + std::size_t{count} * 16) return bad(section, log, "wrong size");
    if (count == 0) {  // a temperature alone: as without the section
        if (calibration->default_point != kNone) return bad(section, log, "the default operating point is not one of them");
        calibration->default_point = 0;
        return FOVEA_OK;
    }
    calibration->count = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint8_t* entry = p + 16 + std::size_t{i} * 16;
        const std::uint32_t question = load_u32(entry + 4);
        if (question > 1) return bad(section, log, "an operating point is for a question that is not known");
        const bool is_any_dr = question == 1;
        if (is_any_dr && !labels.has_grades()) return bad(section, log, "an operating point asks for grades, which the model has not");
        if (!is_any_dr && calibration->any_dr_count != 0) return bad(section, log, "operating points for any DR are not the last");
        const fovea_status status = is_any_dr ? read_operating_point(section, entry, strings, log, calibration->any_dr_points,
                                                                     &calibration->any_dr_count)
                                              : read_operating_point(section, entry, strings, log, calibration->points,
                                                                     &calibration->count);
        if (status != FOVEA_OK) return status;
    }
    if (calibration->default_point >= calibration->count) {
        return bad(section, log, "the default operating point is not one of them");
    }
    return FOVEA_OK;
}

fovea_status read_golden(const Section& section, const Log& log, Golden* golden) {
    if (section.size < 32) return bad(section, log, "too short");
    const std::uint8_t* p = section.data;
    const std::uint32_t count = load_u32(p);
    golden->height = load_u32(p + 4);
    golden->width = load_u32(p + 8);
    golden->channels = load_u32(p + 12);
    golden->output_count = load_u32(p + 16);
    golden->tolerance = load_f32(p + 20);
    if (count < 1 || count > 64) return bad(section, log, "count is outside 1 to 64");
    if (golden->height < 1 || golden->height > kMaxInputSide || golden->width < 1 ||
        golden->width > kMaxInputSide || golden->channels < 1 || golden->channels > 4) {
        return bad(section, log, "the size of the pictures is outside its range");
    }
    if (golden->output_count < 1 || golden->output_count > kMaxClasses) {
        return bad(section, log, "output count is outside 1 to 1000");
    }
    if (!(golden->tolerance >= 0 && golden->tolerance <= 3.0e38f)) {
        return bad(section, log, "tolerance is not a number >= 0");
    }
    if (!all_zero(p + 24, 8)) return bad(section, log, "reserved bytes are not zero");
    const std::uint64_t pixel_bytes =
        std::uint64_t{golden->height} * golden->width * golden->channels;
    const std::uint64_t logit_bytes = std::uint64_t{golden->output_count} * 4;
    const std::uint64_t vector_size = (logit_bytes + pixel_bytes + 3) & ~std::uint64_t{3};
    if (section.size - 32 != vector_size * count) return bad(section, log, "wrong size");
    golden->vectors = p + 32;
    golden->vector_size = static_cast<std::size_t>(vector_size);
    for (std::uint32_t i = 0; i < count; ++i) {
        const float* logits = golden->logits(i);
        for (std::uint32_t j = 0; j < golden->output_count; ++j) {
            if (!std::isfinite(logits[j])) return bad(section, log, "a logit is not finite");
        }
        const std::uint64_t used = logit_bytes + pixel_bytes;
        if (!all_zero(golden->vectors + i * vector_size + used, vector_size - used)) {
            return bad(section, log, "padding is not zero");
        }
    }
    golden->count = count;
    return FOVEA_OK;
}

fovea_status read_provenance(const Section& section, const Strings& strings, const Log& log,
                             Buffer<ProvenanceEntry>* entries) {
    if (section.size < 8) return bad(section, log, "too short");
    const std::uint8_t* p = section.data;
    const std::uint32_t count = load_u32(p);
    if (load_u32(p + 4) != 0) return bad(section, log, "reserved bytes are not zero");
    if (section.size != 8 + std::uint64_t{count} * 8) return bad(section, log, "wrong size");
    if (!entries->allocate(count)) return no_memory(section, log);
    Buffer<std::uint32_t> order(entries->allocator());
    if (!order.allocate(count)) return no_memory(section, log);
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint8_t* pair = p + 8 + std::size_t{i} * 8;
        (*entries)[i] = {strings.get(load_u32(pair)), strings.get(load_u32(pair + 4))};
        if ((*entries)[i].key == nullptr || (*entries)[i].value == nullptr) {
            return bad(section, log, "a key or a value is no string");
        }
    }
    if (count > 0) sort_by_text(&(*entries)[0].key, sizeof(ProvenanceEntry), &order);
    for (std::uint32_t i = 1; i < count; ++i) {
        const char* const key = (*entries)[order[i]].key;
        if (std::strcmp((*entries)[order[i - 1]].key, key) == 0) {
            return log.fail(FOVEA_ERROR_BAD_MODEL, "section PROV: key '%.200s' occurs twice", key);
        }
    }
    return FOVEA_OK;
}

}  // namespace fovea
