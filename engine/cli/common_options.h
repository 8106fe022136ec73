// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "command_line.h"

namespace fovea::cli {

// Options that several verbs have, spelled and checked alike.
void add_model_option(Verb& verb, std::string& path);
void add_isa_option(Verb& verb, std::string& isa);
// 0 stays 0: the library's default.
void add_max_memory_option(Verb& verb, std::uint64_t& mebibytes);
void add_threads_option(Verb& verb, std::uint32_t& threads);
// 0 stays 0: as many as there are cores, at most 4.
// memory: what each of them takes, as the help says it.
void add_jobs_option(Verb& verb, unsigned& jobs, const std::string& memory);

// Workers for so many photos; requested 0 = chosen here.
unsigned worker_count(unsigned requested, std::size_t photos);

// "512x640" or "512" to height and width. Throws Failure (kWrongUsage).
void parse_size(const std::string& text, std::uint32_t& height, std::uint32_t& width);

}  // namespace fovea::cli
