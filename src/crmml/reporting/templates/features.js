(function () {
  "use strict";
  var box = document.getElementById("find"), model = document.getElementById("model"), count = document.getElementById("count");
  var rows = Array.prototype.slice.call(document.querySelectorAll("tr.feature"));
  var parts = Array.prototype.slice.call(document.querySelectorAll("section.concept"));
  function show() {
    var words = box.value.toLowerCase().split(/\s+/).filter(Boolean), chosen = model.value, found = 0;
    rows.forEach(function (row) {
      var text = row.getAttribute("data-text"), users = row.getAttribute("data-models").split(" ");
      var fits = words.every(function (word) { return text.indexOf(word) >= 0; }) && (!chosen || users.indexOf(chosen) >= 0);
      row.hidden = !fits;
      found += fits ? 1 : 0;
    });
    parts.forEach(function (part) { part.hidden = !part.querySelector("tr.feature:not([hidden])"); });
    count.textContent = found + " / " + rows.length;
    document.getElementById("nothing").hidden = found > 0;
  }
  function read() {
    var given = {};
    location.hash.slice(1).split("&").forEach(function (pair) {
      var at = pair.indexOf("=");
      if (at > 0) { try { given[pair.slice(0, at)] = decodeURIComponent(pair.slice(at + 1)); } catch (error) { given.q = pair.slice(at + 1); } }
    });
    if (given.q !== undefined) { box.value = given.q; }
    if (given.model !== undefined) { model.value = given.model; }
    var language = given.lang && document.getElementById("show-" + given.lang);
    if (language) { language.checked = true; }
    show();
  }
  function write() {
    var text = "#q=" + encodeURIComponent(box.value) + (model.value ? "&model=" + encodeURIComponent(model.value) : "");
    try { history.replaceState(null, "", text); } catch (error) { /* some browsers refuse on file:// */ }
    show();
  }
  box.addEventListener("input", write);
  model.addEventListener("change", write);
  window.addEventListener("hashchange", read);
  read();
})();
