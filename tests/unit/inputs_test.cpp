// SPDX-License-Identifier: Apache-2.0
#include "engine/cli/inputs.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "engine/cli/exit_status.h"

using namespace fovea::cli;
namespace fs = std::filesystem;

namespace {

class Folder {
  public:
    Folder() {
        std::string name = (fs::temp_directory_path() / "fovea_inputs_XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~Folder() { fs::remove_all(path_); }
    std::string add(const std::string& name, const std::string& text = "x") const {
        fs::create_directories((path_ / name).parent_path());
        std::ofstream(path_ / name, std::ios::binary) << text;
        return (path_ / name).string();
    }
    std::string path() const { return path_.string(); }

  private:
    fs::path path_;
};

std::vector<std::string> names(const Inputs& inputs) {
    std::vector<std::string> list;
    for (const Input& input : inputs.photos) {
        list.push_back(input.relative +
                       (input.problem.code.empty() ? "" : "!" + input.problem.code));
    }
    return list;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a folder gives its photos, sorted, with those of its folders") {
    const Folder folder;
    for (const char* name : {"b.JPG", "a.jpeg", "sub/c.png", "sub.png", "notes.txt", ".hidden.jpg",
                             ".cache/d.jpg", "list.csv"}) {
        folder.add(name);
    }
    fs::create_directory_symlink(folder.path(), folder.path() + "/sub/loop");
    CHECK(names(expand_inputs({folder.path()}, "")) ==
          Names{"a.jpeg", "b.JPG", "sub.png", "sub/c.png"});
}

TEST_CASE("what folders hold beside photos is counted by what it is") {
    const Folder folder;
    const std::string jpeg = "\xff\xd8\xff\xe0";
    folder.add("a.jpg");
    CHECK(expand_inputs({folder.path()}, "").left_out.text().empty());
    folder.add("._a.jpg", std::string("\0\5\x16\7", 4));
    CHECK(expand_inputs({folder.path()}, "").left_out.text() == "1 file that is no picture; ");
    folder.add(".b.jpg", jpeg);
    folder.add("sub/notes.txt");
    CHECK(expand_inputs({folder.path()}, "").left_out.text() ==
          "2 files that are no pictures; 1 hidden picture or folder, not looked into; ");
    folder.add("sub/.c", jpeg);
    folder.add(".trash/d.jpg", jpeg);
    CHECK(expand_inputs({folder.path(), folder.path() + "/sub"}, "").left_out.text() ==
          "3 files that are no pictures; 4 hidden pictures or folders, not looked into; ");
    CHECK(names(expand_inputs({folder.path()}, "")) == Names{"a.jpg"});
}

TEST_CASE("a folder without photos is a problem, not nothing") {
    const Folder folder;
    const auto inputs = expand_inputs({folder.path()}, "").photos;
    REQUIRE(inputs.size() == 1);
    CHECK(inputs[0].problem.code == "not_found");
}

TEST_CASE("a list gives the photos of its column") {
    const Folder folder;
    folder.add("1.jpg");
    folder.add("two.PNG");
    folder.add("with.dot.jpeg");
    folder.add("sub/x.jpg");
    for (const char* header : {"id_code", " ID_Code ", "File", "image", "PATH", "\"Image name\""}) {
        const std::string list = folder.add(
            "list.csv", "\xef\xbb\xbfgrade," + std::string(header) +
                            " ,x\r\n0,1,\r\n1,\" two \",\r\n2,with.dot\r\n3,sub/x.jpg\r\n"
                            "4,lost\r\n5,,\r\n6\r\n\r\n");
        CHECK(names(expand_inputs({list}, "")) == Names{"1.jpg", "two.PNG", "with.dot.jpeg",
                                                        "sub/x.jpg", "lost!not_found",
                                                        "list.csv!bad_list", "list.csv!bad_list"});
    }
}

TEST_CASE("a list's photos may lie elsewhere") {
    const Folder lists, photos;
    const std::string list = lists.add("list.csv", "image\n7\n");
    const std::string photo = photos.add("7.png");
    const auto inputs = expand_inputs({list}, photos.path()).photos;
    REQUIRE(inputs.size() == 1);
    CHECK(inputs[0].file == photo);
}

TEST_CASE("a list's names never lead above the output folder") {
    const Folder folder;
    const std::string outside = folder.add("outside.jpg");
    const std::string list = folder.add(
        "lists/list.csv", "file\n../outside.jpg\n" + outside + "\nx/../../outside.jpg\n");
    CHECK(names(expand_inputs({list}, "")) ==
          Names{"outside.jpg", "outside.jpg", "outside.jpg!not_found"});
}

TEST_CASE("a bad list is one problem with its cause") {
    const Folder folder;
    for (const char* text : {"grade,patient\n1,2\n", "file\n\"open\n", "",
                             "\xff\xfe"
                             "f"}) {
        const auto inputs = expand_inputs({folder.add("list.csv", text)}, "").photos;
        REQUIRE(inputs.size() == 1);
        CHECK(inputs[0].problem.code == "bad_list");
        CHECK(!inputs[0].problem.message.empty());
    }
    CHECK(expand_inputs({folder.path() + "/none.csv"}, "").photos[0].problem.code == "not_found");
}

TEST_CASE("the shards in order are the whole") {
    std::vector<Input> all;
    for (int i = 0; i < 23; ++i) all.push_back({std::to_string(i), "", {}});
    for (std::size_t count : {1u, 2u, 7u, 23u, 40u}) {
        std::vector<std::string> seen;
        for (std::size_t i = 1; i <= count; ++i) {
            std::vector<Input> part = all;
            keep_shard(part, parse_shard(std::to_string(i) + "/" + std::to_string(count)));
            CHECK(part.size() <= all.size() / count + 1);
            for (const Input& input : part) seen.push_back(input.file);
        }
        REQUIRE(seen.size() == all.size());
        for (std::size_t i = 0; i < seen.size(); ++i) CHECK(seen[i] == all[i].file);
    }
    for (const char* bad :
         {"", "/", "1", "0/2", "3/2", "1/0", "-1/2", "1/2x", "x/2", "1/99999999999999999999999"}) {
        CHECK_THROWS_AS(parse_shard(bad), Failure);
    }
}
