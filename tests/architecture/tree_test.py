"""Holds every file of the tree to the rules of tree.py, and the rules to examples that break them."""

import unittest

import tree


class Rules(unittest.TestCase):
    def refused(self, path, text, because):
        found = tree.complaints(path, text)
        self.assertTrue(any(because in line for line in found), f"{path}: {text!r} gave {found}")

    def accepted(self, path, text):
        self.assertEqual(tree.complaints(path, text), [])

    def test_a_room_includes_no_room_after_it(self):
        self.refused("src/rns/x.cc", '#include "cryptotl/ckks/params.h"\n', "of a room after it")
        self.refused("src/base/x.cc", ' # include <rns/bits.h>\n', "of a room after it")
        self.refused("include/cryptotl/plan/x.h", '#pragma once\n#include "cryptotl/execute/y.h"\n', "after it")
        self.refused("tests/base/x_test.cc", '#include "cryptotl/rns/ntt.h"\n', "of a room after it")
        self.refused("src/cli/server_main.cc", '#include "cryptotl/transfer/x.h"\n', "of a room after it")
        self.refused("src/execute/CMakeLists.txt", "cryptotl_room(execute cryptotl::learn)", "a room after it")

    def test_a_room_includes_itself_and_those_before_it(self):
        self.accepted("src/ckks/x.cc", '#include "ckks/y.h"\n#include "cryptotl/rns/ntt.h"\n#include <vector>\n')
        self.accepted("src/cli/server_main.cc", '#include "cryptotl/service/x.h"\n#include <CLI/CLI.hpp>\n')
        self.accepted("src/execute/CMakeLists.txt", "cryptotl_room(execute cryptotl::plan)")

    def test_a_library_is_included_by_the_room_that_owns_it(self):
        self.refused("src/transfer/x.cc", "#include <torch/torch.h>\n", "only learn's sources")
        self.refused("src/cli/x.cc", "#include <httplib.h>\n", "only service's sources")
        self.refused("src/ckks/x.cc", "#include <sodium.h>\n", "only base's sources")
        self.refused("src/cli/x.cc", "#include <sqlite3.h>\n", "only transfer's sources")
        self.accepted("src/learn/x.cc", "#include <torch/torch.h>\n")
        self.accepted("src/service/x.cc", "#include <httplib.h>\n")

    def test_no_public_header_shows_such_a_library_or_a_private_header(self):
        self.refused("include/cryptotl/learn/x.h", "#pragma once\n#include <torch/torch.h>\n", "only learn's")
        self.refused("include/cryptotl/service/x.h", "#pragma once\n#include <httplib.h>\n", "only service's")
        self.refused("include/cryptotl/ckks/x.h", '#pragma once\n#include "ckks/y.h"\n', "the private")

    def test_every_source_has_a_room_and_every_header_a_guard(self):
        self.refused("src/attic/x.cc", "", "in no room")
        self.refused("include/cryptotl/x.h", "#pragma once\n", "in no room")
        self.refused("include/cryptotl/base/x.h", "", "#pragma once")
        self.refused("include/cryptotl/base/x.h", "#pragma once\nusing namespace std;\n", "using namespace")

    def test_some_words_stand_nowhere(self):
        self.refused("README.md", "see /wo" + "rk/notes", "a path of one machine")
        self.refused("README.md", "\n\nsee /ho" + "me/me", "README.md:3: a path")
        self.refused("tools/x", "https://py" + "pi.org/simple", "a registry's host")
        self.refused("CMakeLists.txt", "-march=" + "native", "the building machine")
        self.refused("CMakeLists.txt", "-ffast-" + "math", "may be reordered")
        self.refused("src/base/x.cc", "// TO" + "DO later", "unfinished work")
        self.accepted("README.md", "build/homework/x ${prefix}/home/x")


class Tree(unittest.TestCase):
    def test_every_file_keeps_the_rules(self):
        seen = 0
        found = []
        for path, text in tree.files():
            seen += path.endswith(tree.CODE)
            found += tree.complaints(path, text)
        self.assertGreater(seen, 50, "the sources were not found")
        self.assertEqual(found, [], "\n" + "\n".join(found))


if __name__ == "__main__":
    unittest.main()
