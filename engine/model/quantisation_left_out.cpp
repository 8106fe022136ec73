// SPDX-License-Identifier: Apache-2.0
// In the place of quantisation_section.cpp in a library without networks of 8-bit integers: no graph that is read has codes.
#include "engine/model/sections.h"

namespace fovea {

fovea_status read_quantisation(const Section& section, const Log& log, Graph*) {
    return log.fail(FOVEA_ERROR_UNSUPPORTED_MODEL,
                    "section %s: a network of 8-bit integers; this build of fovea is without: it was set up with -Dint8=disabled",
                    section.tag);
}

fovea_status check_codes(const Graph&, const Log&) {
    return FOVEA_OK;
}

}  // namespace fovea
