// SPDX-License-Identifier: Apache-2.0
// Of a build without explanations: nobody can ask a screening for maps.
#include "screening_maps.h"

namespace fovea::cli {

void add_map_options(Verb&, MapOptions&) {}

ScreeningMaps::ScreeningMaps(const MapOptions& options, std::uint64_t photo_memory_mib, const std::vector<Input>&)
    : options_(options), photo_memory_mib_(photo_memory_mib) {}

std::shared_ptr<fovea_explainer> ScreeningMaps::make_explainer(const Model&, const SessionRequest&, LogLines&) const { return nullptr; }

Json ScreeningMaps::write(const Input&, const std::vector<unsigned char>&, const fovea_explanation&, const Model&) const { return nullptr; }

}  // namespace fovea::cli
