// The vocabulary itself: one row per thing that a prompt can name.
#include "sketch/lexicon.h"

namespace lode::sketch {
namespace {

struct Hue {
  std::string_view name, dark, light;
  std::uint32_t hex;
};

/// Hues that also come as "dark ..." and "light ...".
constexpr Hue kHues[] = {
    {"red", "dark red", "light red", 0xD0281E},
    {"orange", "dark orange", "light orange", 0xF08019},
    {"yellow", "dark yellow", "light yellow", 0xF5CF1D},
    {"green", "dark green", "light green", 0x2FA344},
    {"teal", "dark teal", "light teal", 0x14908C},
    {"blue", "dark blue", "light blue", 0x2459CE},
    {"purple", "dark purple", "light purple", 0x7C35B5},
    {"pink", "dark pink", "light pink", 0xF07EB0},
    {"brown", "dark brown", "light brown", 0x835230},
    {"grey", "dark grey", "light grey", 0x8A8D91},
};

std::vector<ColourEntry> make_colours() {
  std::vector<ColourEntry> all = {
      {"white", rgb(0xF4F3EF)},     {"black", rgb(0x232326)},  {"cyan", rgb(0x2BC4DE)},
      {"turquoise", rgb(0x32C9B5)}, {"navy", rgb(0x1D2B62)},   {"violet", rgb(0x8D5BE0)},
      {"magenta", rgb(0xD42A96)},   {"maroon", rgb(0x7A1A26)}, {"lime", rgb(0x9AD62B)},
      {"olive", rgb(0x7A7B2B)},     {"mint", rgb(0xA3E3C1)},   {"lavender", rgb(0xC0ACE8)},
      {"coral", rgb(0xF5775F)},     {"peach", rgb(0xFBC09A)},  {"tan", rgb(0xCBA472)},
      {"beige", rgb(0xE3D3B3)},     {"cream", rgb(0xF7EBCB)},  {"amber", rgb(0xE5981B)},
  };
  for (const Hue& hue : kHues) {
    const glm::vec3 plain = rgb(hue.hex);
    all.push_back({hue.name, plain});
    all.push_back({hue.dark, plain * 0.52F});
    all.push_back({hue.light, mix(plain, glm::vec3(1), 0.52F)});
  }
  return all;
}

std::vector<MaterialEntry> make_materials() {
  return {
      {"wood", Finish::wood, rgb(0xA9713F), {"wooden", "wood", "oak", "timber", "walnut"}},
      {"metal", Finish::metal, rgb(0xA3A7AD), {"metal", "metallic", "iron", "aluminium", "tin"}},
      {"steel", Finish::metal, rgb(0xC3C8CE), {"steel", "stainless steel", "chrome"}},
      {"gold", Finish::metal, rgb(0xEBB63A), {"golden", "gold"}},
      {"silver", Finish::metal, rgb(0xD9DCE0), {"silver"}},
      {"copper", Finish::metal, rgb(0xCB7548), {"copper"}},
      {"brass", Finish::metal, rgb(0xC9A24B), {"brass", "bronze"}},
      {"stone", Finish::stone, rgb(0x98948C), {"stone", "granite", "concrete", "rocky"}},
      {"marble", Finish::marble, rgb(0xECE9E4), {"marble"}},
      {"glass", Finish::glass, std::nullopt, {"glass", "crystal", "transparent"}},
      {"plastic", Finish::plastic, std::nullopt, {"plastic", "rubber", "vinyl"}},
      {"ceramic", Finish::ceramic, std::nullopt, {"ceramic", "porcelain", "glazed"}},
      {"leather", Finish::leather, rgb(0x7A4A2B), {"leather"}},
      {"fabric", Finish::fabric, std::nullopt, {"fabric", "cloth", "velvet", "woollen", "cotton"}},
      {"ice", Finish::ice, rgb(0xBFE3F4), {"ice", "icy", "frozen"}},
      {"clay", Finish::clay, rgb(0xBD6B43), {"clay", "terracotta", "earthenware"}},
      {"paper", Finish::matte, rgb(0xF1ECE0), {"paper", "cardboard"}},
  };
}

std::vector<SizeEntry> make_sizes() {
  return {
      {0.5, {"tiny", "miniature", "mini"}},
      {0.75, {"small", "little", "compact"}},
      {1.25, {"big", "large"}},
      {1.6, {"huge", "giant", "enormous", "massive", "gigantic"}},
  };
}

std::vector<ProportionEntry> make_proportions() {
  return {
      {Proportion::tall, {"tall", "slender", "slim", "narrow", "high", "thin"}},
      {Proportion::wide, {"wide", "broad", "squat", "short", "fat", "chubby"}},
  };
}

std::vector<NounEntry> make_nouns() {
  return {
      // Kitchen
      {{"mug", "cup", "coffee mug", "coffee cup", "teacup"}},
      {{"bowl", "dish", "soup bowl"}},
      {{"plate", "saucer", "dinner plate"}},
      {{"bottle", "flask", "wine bottle"}},
      {{"vase", "urn", "amphora", "flower vase"}},
      {{"teapot", "kettle", "tea pot"}},
      {{"goblet", "chalice", "wine glass"}},
      {{"pot", "saucepan", "cooking pot", "cauldron"}},
      // Furniture
      {{"chair", "armchair", "seat", "dining chair"}},
      {{"stool", "bar stool", "footstool"}},
      {{"table", "desk", "coffee table", "dining table"}},
      {{"lamp", "table lamp", "desk lamp", "bedside lamp"}},
      {{"bed", "bunk", "cot"}},
      {{"sofa", "couch", "settee", "loveseat"}},
      {{"bookshelf", "bookcase", "shelf"}},
      {{"clock", "alarm clock", "timepiece"}},
      {{"chest", "treasure chest", "trunk", "treasure box"}},
      {{"barrel", "cask", "keg"}},
      {{"candle", "taper", "candlestick"}},
      // Nature
      {{"tree", "oak tree", "apple tree", "bonsai"}},
      {{"pine tree", "fir tree", "christmas tree", "conifer", "spruce"}},
      {{"palm tree", "coconut tree", "palm"}},
      {{"cactus", "saguaro", "succulent"}},
      {{"flower", "daisy", "sunflower", "blossom"}},
      {{"mushroom", "toadstool", "fungus"}},
      // Food
      {{"apple"}},
      {{"pear"}},
      {{"banana"}},
      {{"carrot"}},
      {{"pumpkin", "gourd", "squash"}},
      {{"cake", "birthday cake", "gateau"}},
      {{"donut", "doughnut", "bagel"}},
      {{"ice cream", "ice cream cone", "gelato"}},
      {{"burger", "hamburger", "cheeseburger"}},
      // Buildings
      {{"house", "cottage", "cabin", "home", "hut"}},
      {{"tower", "castle tower", "turret", "watchtower"}},
      {{"castle", "fortress", "citadel"}},
      {{"lighthouse", "light house", "beacon"}},
      {{"windmill", "wind mill", "mill"}},
      // Vehicles
      {{"car", "automobile", "sedan", "sports car", "toy car"}},
      {{"truck", "lorry", "pickup", "delivery truck"}},
      {{"bus", "school bus", "minibus", "coach"}},
      {{"boat", "sailboat", "sailing boat", "ship", "yacht"}},
      {{"rocket", "rocketship", "spaceship", "space rocket", "rocket ship"}},
      {{"airplane", "aeroplane", "plane", "aircraft", "jet"}},
      {{"ufo", "flying saucer"}},
      {{"hot air balloon", "air balloon"}},
      // Tools and arms
      {{"sword", "longsword", "blade", "broadsword"}},
      {{"shield", "buckler"}},
      {{"hammer", "mallet", "sledgehammer"}},
      {{"axe", "ax", "hatchet", "battle axe"}},
      {{"key", "skeleton key"}},
      // Things to wear and treasure
      {{"ring", "diamond ring", "wedding ring", "engagement ring"}},
      {{"crown", "tiara", "diadem"}},
      {{"diamond", "gem", "gemstone", "jewel"}},
      {{"hat", "top hat", "bowler"}},
      {{"umbrella", "parasol"}},
      {{"trophy", "trophy cup"}},
      // Toys and culture
      {{"snowman"}},
      {{"robot", "android", "droid", "toy robot"}},
      {{"dice", "die"}},
      {{"ball", "beach ball", "toy ball"}},
      {{"balloon", "party balloon"}},
      {{"guitar", "acoustic guitar", "ukulele"}},
      {{"drum", "snare drum", "tom tom"}},
      {{"book", "novel", "textbook", "tome"}},
      // Animals
      {{"fish", "goldfish"}},
      {{"cat", "kitten", "kitty"}},
      {{"duck", "rubber duck", "duckling"}},
      {{"penguin"}},
  };
}

}  // namespace

std::span<const ColourEntry> colours() {
  static const std::vector<ColourEntry> kTable = make_colours();
  return kTable;
}

std::span<const MaterialEntry> materials() {
  static const std::vector<MaterialEntry> kTable = make_materials();
  return kTable;
}

std::span<const SizeEntry> sizes() {
  static const std::vector<SizeEntry> kTable = make_sizes();
  return kTable;
}

std::span<const ProportionEntry> proportions() {
  static const std::vector<ProportionEntry> kTable = make_proportions();
  return kTable;
}

std::span<const NounEntry> noun_words() {
  static const std::vector<NounEntry> kTable = make_nouns();
  return kTable;
}

}  // namespace lode::sketch
