// SPDX-License-Identifier: Apache-2.0
"use strict";
{
    // Without a script the page shows everything, in the order of the results, and the maps beside their photos' left halves.
    const tools = document.querySelector(".tools");
    const cards = Array.from(document.querySelectorAll(".card"));
    const numbers = (card, key) => (card.dataset[key] === "" ? -1 : Number(card.dataset[key]));
    const orders = {
        results: (a, b) => a.dataset.number - b.dataset.number,
        score: (a, b) => numbers(b, "score") - numbers(a, "score"),
        name: (a, b) => (a.dataset.name < b.dataset.name ? -1 : a.dataset.name > b.dataset.name ? 1 : 0),
    };
    const shows = {
        all: () => true,
        warned: (card) => card.dataset.warned === "1",
    };

    const update = () => {
        const outcome = tools.querySelector("#outcome").value;
        const words = tools.querySelector("#words").value.trim().toLowerCase();
        const keep = shows[outcome] || ((card) => card.dataset.outcome === outcome);
        let count = 0;
        for (const card of cards) {
            card.hidden = !(keep(card) && card.dataset.words.includes(words));
            count += !card.hidden;
        }
        const order = orders[tools.querySelector("#order").value];
        const sorted = cards.slice().sort((a, b) => order(a, b) || orders.results(a, b));
        document.querySelector(".cards").append(...sorted);
        tools.querySelector("output").value = count + " of " + cards.length + " photos";
    };

    if (tools) {
        tools.hidden = false;
        tools.addEventListener("input", update);
        update();
    }
    for (const slider of document.querySelectorAll(".slider")) {
        const map = slider.closest(".card").querySelector(".map");
        slider.hidden = false;
        slider.addEventListener("input", (event) => map.style.setProperty("--from", event.target.value + "%"));
    }
}
