import "../vendor/htmx.esm.min.js";
