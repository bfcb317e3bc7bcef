// The desk page: one stream of what happens, and the parts that show it.
import { Desk } from "./desk_state.js";
import { followStream } from "./stream.js";

const desk = new Desk();
window.desk = desk; // for the tests' and the administrator's eyes
followStream(document.getElementById("desk").dataset.live, desk);
