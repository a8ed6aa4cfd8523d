// Catch2, whichever major version the distribution ships: Debian 12 has 2.13, newer ones 3.
#pragma once
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
