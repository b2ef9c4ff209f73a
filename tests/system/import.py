#!/usr/bin/python3
"""orderctl's imports: files as they come, twice, through a pipe, and with daemons dying."""
import csv
import json
import os
import subprocess
import time
import unittest

import suite

SOURCE = os.environ.get("TOP_SRCDIR") or os.path.join(os.path.dirname(__file__), "../..")
DIRTY = os.path.join(SOURCE, "tests/system/dirty")
SAMPLE = os.path.join(SOURCE, "data/online-retail.csv")


class ImportTest(unittest.TestCase):
    def setUp(self):
        self.suite = suite.Suite()
        self.addCleanup(self.suite.destroy)

    def dirty(self, name):
        return os.path.join(DIRTY, name)

    def run_import(self, noun, *arguments, status=0, stdin=None):
        """The summary of an import, as an object."""
        got, out, err = self.suite.orderctl("--json", noun, "import", *arguments, stdin=stdin)
        self.assertEqual(got, status, out + err)
        self.assertEqual(err, "")
        summary = json.loads(out)
        summary["reasons"] = {each["reason"]: each["count"] for each in summary["refusals"]}
        return summary

    def rejects(self, noun, *arguments):
        """The summary, and what --rejects wrote: {line: reason}."""
        path = f"{self.suite.dir}/rejects.csv"
        summary = self.run_import(noun, *arguments, "--rejects", path)
        if not os.path.exists(path):
            return summary, {}
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        self.assertEqual(rows[0][:2], ["line", "reason"])
        return summary, {int(row[0]): row[1] for row in rows[1:]}

    def books(self):
        return {book["sku"]: book for book in self.suite.catalogd.pages("catalog.list", "books")
                if "sku" in book}

    def prices(self):
        return {sku: (book["title"], book["price"]) for sku, book in self.books().items()}


class Dirty(ImportTest):
    """What spreadsheets write."""

    def test_quotes_line_breaks_and_rows_of_the_wrong_length(self):
        summary, rejects = self.rejects("catalog", self.dirty("quotes.csv"))
        self.assertEqual((summary["rows"], summary["books_made"]), (7, 6))
        self.assertEqual(rejects, {10: "no_price"})
        self.assertEqual(self.prices(), {
            "Q-1": ("A title over three lines", 100), "Q-2": ('She said "hello"', 200),
            "Q-3": ('6" RULER', 300), "Q-4": ("blanks around", 400), "Q-5": ("Q-5", 500),
            "Q-7": ("long row", 700)})

    def test_byte_order_mark_semicolons_decimal_commas_and_columns_by_name(self):
        columns = ("--column", "title=Titel", "--column", "price=Preis")
        _, rejects = self.rejects("catalog", self.dirty("semicolon.csv"), *columns)
        self.assertEqual(self.prices(), {
            "DE-1": ("Faust; der Tragödie erster Teil", 1250), "DE-2": ("Buddenbrooks", 129900),
            "DE-3": ("Der Prozess", 990)})
        self.assertIn("no_price", rejects.values())
        summary = self.run_import("stock", self.dirty("semicolon.csv"), "--column",
                                  "available=Bestand")
        self.assertEqual((summary["books_added_to"], summary["units"]), (3, 22))

    def test_tabs(self):
        self.run_import("catalog", self.dirty("tab.tsv"), "--column", "sku=Item Code",
                        "--column", "title=Name", "--column", "price=Unit Price")
        self.assertEqual(self.prices(), {
            "TAB/1": ("Les Misérables", 1990), "TAB/2": ("Comma, in a title", 700),
            "TAB/3": ("Quoted tab", 50)})

    def test_latin_1(self):
        self.run_import("catalog", self.dirty("latin1.csv"))
        titles = {sku: title for sku, (title, _) in self.prices().items()}
        self.assertEqual(titles["L-1"], "Straße nach Süden")
        self.assertIn("café", titles["L-2"])

    def test_utf_16(self):
        self.run_import("catalog", self.dirty("utf16.txt"))
        self.assertEqual(self.prices()["U16-1"], (suite.CSAPP, 13900))
        self.assertEqual(self.prices()["U16-2"][1], 103950)

    def test_bars_and_values_out_of_bounds(self):
        _, rejects = self.rejects("catalog", self.dirty("pipe.txt"))
        self.assertEqual(self.prices()["PIPE-1"], ("First, with a comma", 415))
        self.assertEqual(self.suite.catalogd.get("catalog.get", book_id=502)["price"], 415)
        for line in (4, 5, 6, 7):
            self.assertIn(line, rejects)

    def test_what_cannot_be_read_is_an_error_and_changes_nothing(self):
        for name in ("empty.csv", "missing_column.csv", "unclosed_quote.csv", "not there.csv"):
            status, out, err = self.suite.orderctl("catalog", "import", self.dirty(name))
            self.assertEqual((status, out), (2, ""), name)
            self.assertTrue(err.startswith("orderctl: "), name)
        self.assertEqual(self.run_import("catalog", self.dirty("header_only.csv"))["rows"], 0)
        self.assertEqual(self.books(), {})

    def import_orders(self, *more):
        self.run_import("catalog", self.dirty("books.csv"))
        self.run_import("stock", self.dirty("books.csv"))
        return self.rejects("order", self.dirty("orders.csv"), *more)

    def test_orders(self):
        summary, rejects = self.import_orders()
        self.assertEqual(sum(summary["reasons"].values()), summary["refused"])
        self.assertEqual(len(rejects), summary["refused_rows"])
        for line, reason in ((5, "no_user"), (6, "credit_note"), (7, "return"),
                             (8, "zero_quantity"), (9, "quantity_too_large"),
                             (10, "book_not_found"), (11, "mixed_users"), (12, "mixed_users"),
                             (13, "bad_quantity"), (14, "bad_sku"), (15, "no_book"),
                             (16, "no_order"), (17, "bad_user"), (18, "too_many_lines")):
            self.assertEqual(rejects.get(line), reason, line)
        first = self.suite.orderd.get("order.list", user_id=12923)["orders"]
        self.assertEqual([[(item["sku"], item["quantity"]) for item in order["items"]]
                          for order in first], [[("B1", 2), ("B2", 1)]])
        self.suite.audit()

    def test_orders_of_nobody_for_a_default_user(self):
        self.import_orders("--default-user", "77")
        orders = self.suite.orderd.get("order.list", user_id=77)["orders"]
        self.assertEqual(len(orders), 1)

    def test_strict_fails_where_a_row_was_refused(self):
        self.run_import("catalog", self.dirty("quotes.csv"), "--strict", status=1)
        self.run_import("catalog", self.dirty("books.csv"), "--strict")

    def test_a_second_run_changes_nothing(self):
        self.import_orders()
        before = self.suite.audit()
        summary, _ = self.import_orders()
        self.assertEqual((summary["orders_made"], summary["already"]),
                         (0, len(before["orders"])))
        self.assertEqual(self.suite.audit(), before)
        self.suite.close()

    def test_a_pipe_is_as_good_as_a_file(self):
        with open(self.dirty("books.csv"), "rb") as file:
            text = file.read()
        self.assertEqual(self.run_import("catalog", "-", stdin=text)["books_made"], 30)
        self.assertEqual(len(self.books()), 30)
        with subprocess.Popen(["orderctl", "--json", "stock", "import", "-"], env=self.suite.env,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as slow:
            for at in range(0, len(text), 50):
                slow.stdin.write(text[at:at + 50])
                slow.stdin.flush()
                time.sleep(0.005)
            out, _ = slow.communicate(timeout=suite.PATIENCE_S)
        self.assertEqual(json.loads(out)["books_added_to"], 30)

    def test_without_daemons_it_says_so(self):
        for name in suite.DAEMONS:
            self.suite.stop(name)
        status, _, err = self.suite.orderctl("--timeout", "500ms", "catalog", "get", "1")
        self.assertEqual(status, 3, err)


class Sample(ImportTest):
    """The sample's invoices, and every daemon dying in the middle of them."""

    def prepare(self):
        """Books and stock; returns how many invoices there are."""
        self.run_import("catalog", SAMPLE)
        self.run_import("stock", SAMPLE, "--from-orders")
        with open(SAMPLE, encoding="utf-8", newline="") as file:
            return len({row["InvoiceNo"] for row in csv.DictReader(file)})

    def start_in_the_middle(self):
        """An import that has made some orders and has more to make."""
        importer = subprocess.Popen(["orderctl", "--json", "order", "import", SAMPLE],
                                    env=self.suite.env, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE)
        suite.wait_until(lambda: self.suite.orderd.get("event.list", limit=1)["last"] > 1000,
                         "it is in the middle")
        self.assertIsNone(importer.poll(), "too fast to be disturbed")
        return importer

    def repeat_to_the_end(self, invoices):
        summary = self.run_import("order", SAMPLE)
        made = summary["orders_made"] + summary["already"]
        self.assertEqual(made + summary["refused"], invoices)
        self.assertEqual(sum(summary["reasons"].values()), summary["refused"])
        before = self.suite.audit()
        self.assertEqual(len(before["orders"]), made)
        again = self.run_import("order", SAMPLE)
        self.assertEqual((again["orders_made"], again["already"]), (0, made))
        self.assertEqual(self.suite.audit(), before)
        self.suite.close()

    def kill(self, name):
        invoices = self.prepare()
        with self.start_in_the_middle() as importer:
            self.suite.kill(name)
            self.suite.start(name)
            _, err = importer.communicate(timeout=120)
            self.assertEqual((importer.returncode, err), (0, b""))
        self.repeat_to_the_end(invoices)

    def test_catalogd_killed_in_the_middle(self):
        self.kill("catalogd")

    def test_stockd_killed_in_the_middle(self):
        self.kill("stockd")

    def test_orderd_killed_in_the_middle(self):
        self.kill("orderd")

    def test_reaperd_killed_in_the_middle(self):
        self.kill("reaperd")

    def test_all_killed_in_the_middle_and_the_importer_too(self):
        invoices = self.prepare()
        with self.start_in_the_middle() as importer:
            for name in suite.DAEMONS:
                self.suite.kill(name)
            importer.kill()
        for name in suite.DAEMONS:
            self.suite.start(name)
        self.repeat_to_the_end(invoices)


if __name__ == "__main__":
    suite.main()
