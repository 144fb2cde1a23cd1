/* On a phone the ways within an account are one row that scrolls: where the reader is comes into view. */

const row = document.querySelector(".account-nav");
const here = row.querySelector("[aria-current]")?.getBoundingClientRect();

if (here) row.scrollLeft += here.left + here.width / 2 - innerWidth / 2;
