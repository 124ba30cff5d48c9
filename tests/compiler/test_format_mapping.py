"""The one format: what it looks like, and that it changes nothing but spaces."""

from __future__ import annotations

import pytest

from syncline_compiler.passes.format_mapping import format_mapping

UNTIDY = """

mapping   crm.Account<->account@2
# who is ours
take when not  Gone and Kind=="Customer"   # others are leads
let place=Country??"??"


name<->Name|squash
credit_limit <->  money( Credit,Currency )
opened_at <- Created|instant
balance->Balance
name+" ("+country+")" -> Display
phone <-> Phone
   # in Germany
      | trim
 | phone "DE" else null
rank <- a-3|left -3
tier <- case
when a in("x","y") then -1
   # inner
     when not (b) then 2   # two
else 3 end


contacts <-> each Contacts   {
email<->Email|email
        # names
full_name <- `Full Name`
}
reject when Email is null
and Phone is null because "no way"
"""

TIDY = """mapping crm.Account <-> account@2
# who is ours
take when not Gone and Kind == "Customer"  # others are leads
let place = Country ?? "??"

name         <-> Name | squash
credit_limit <-> money(Credit, Currency)
opened_at    <-  Created | instant
balance      ->  Balance
name + " (" + country + ")" -> Display
phone        <-> Phone
  # in Germany
  | trim
  | phone "DE" else null
rank         <-  a - 3 | left -3
tier         <-  case
  when a in ("x", "y") then -1
  # inner
  when not (b) then 2  # two
  else 3 end

contacts <-> each Contacts {
  email <-> Email | email
  # names
  full_name <- `Full Name`
}
reject when Email is null
  and Phone is null because "no way"
"""


def test_format() -> None:
    assert format_mapping(UNTIDY) == TIDY
    assert format_mapping(TIDY) == TIDY


@pytest.mark.parametrize("text", ["", "nonsense {\n", "mapping a.B <-> c\nx <- (\n", "x <-  y |\n"])
def test_a_text_with_a_mistake_stays_as_it_is(text: str) -> None:
    assert format_mapping(text) == text


def test_line_ends_are_unified() -> None:
    assert format_mapping("mapping a.B <-> c\r\nx  <-  y\r\n") == "mapping a.B <-> c\nx <- y\n"
