// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "inputs.h"
#include "output.h"
#include "report.h"

namespace fovea::cli {

struct Counts {
    std::size_t signs = 0, no_signs = 0, not_gradable = 0, errors = 0;
    bool bad_model = false;      // an error was the model's
    bool out_of_memory = false;  // an error was that memory is short
};

// Writes reports one after another in the format asked for.
class ResultWriter {
  public:
    // is_continued: rows are there already.
    ResultWriter(Output& output, const std::string& format, const ReportContext& context,
                 bool is_continued);
    void add(const PhotoReport& report);
    void finish();
    // What has been written becomes well-formed; the output keeps the name of an unfinished one.
    void interrupt();

  private:
    Output& output_;
    const std::string& format_;
    const ReportContext& context_;
    bool is_first_;
};

// The rows that an earlier run left.
struct EarlierRows {
    std::size_t count = 0;
    std::size_t bytes = 0;  // of the text, up to the end of the last whole row
    Counts counts;
};

// Reads results in the format json, jsonl or csv that this command would have written: the rows must be those of the first
// inputs, by the same model with the same options. A last row that is cut is left out. Throws Failure (kWrongUsage), in `name`'s
// name, when the results are not those.
EarlierRows read_earlier_rows(std::string_view text, const std::string& format,
                              const ReportContext& context, const std::vector<Input>& inputs,
                              bool force, const std::string& name);

}  // namespace fovea::cli
