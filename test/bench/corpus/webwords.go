package corpus

// files are what every page of the shop uses; %s is the hash of a build.
var files = []struct {
	format string
	bytes  int
}{
	{"/assets/app.%s.css", 21_000}, {"/assets/vendor.%s.js", 140_000}, {"/assets/app.%s.js", 64_000}, {"/assets/logo.%s.svg", 2_300},
	{"/assets/fonts/inter-regular.%s.woff2", 31_000}, {"/assets/fonts/inter-bold.%s.woff2", 33_000}, {"/assets/icons.%s.svg", 5_200},
	{"/favicon.ico?v=%.3s", 1_150},
}

var adjectives = []string{
	"red", "blue", "green", "classic", "modern", "compact", "folding", "wireless", "organic", "leather", "wooden", "steel", "ceramic",
	"soft", "large", "small", "vintage", "waterproof", "light", "foldable", "portable", "outdoor", "kids", "premium",
}

var nouns = []string{
	"chair", "table", "lamp", "sofa", "desk", "shelf", "mirror", "rug", "kettle", "toaster", "blender", "backpack", "jacket", "sneakers",
	"tent", "headphones", "keyboard", "monitor", "camera", "bicycle", "helmet", "bottle", "notebook", "pillow", "blanket", "vase", "clock",
}

var orders = []string{"price_asc", "price_desc", "newest", "rating"}

var campaigns = []string{"spring_sale", "new_arrivals_2026", "abandoned_cart", "weekly_digest_17", "loyalty_gold"}

// protocols of browsers.
var protocols = []string{"2.0", "2.0", "2.0", "2.0", "2.0", "2.0", "3.0", "1.1"}

// entrances are the referrers of the first page of a visit.
var entrances = []string{
	"-", "-", "-", "https://www.google.com/", "https://www.google.com/", "https://www.google.com/", "https://www.bing.com/",
	"https://duckduckgo.com/", "https://www.google.de/", "android-app://com.google.android.googlequicksearchbox/", "https://l.instagram.com/",
	"https://www.facebook.com/", "https://t.co/kQ3vX9ZbLm", "https://shop.example.com/", "https://www.pinterest.com/pin/418834834091/",
}

var desktops = []string{"Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64", "X11; Ubuntu; Linux x86_64"}

var phones = []string{
	"SM-S918B Build/UP1A.231005.007", "Pixel 8 Build/AP3A.241105.007", "SM-A546B Build/UP1A.231005.007", "22101316G Build/TP1A.220624.014", "CPH2359 Build/TP1A.220905.001",
}

var robots = []struct {
	agent   string
	network string // the first three numbers of the addresses
	hosts   int
}{
	{"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.6723.116 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "66.249.66", 24},
	{"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537.36", "40.77.167", 18},
	{"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "66.249.73", 12},
	{"Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", "54.36.148", 40},
	{"Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)", "185.191.171", 20},
	{"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)", "20.171.206", 16},
	{"Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)", "95.108.213", 6},
	{"Mozilla/5.0 (Linux; Android 7.0;) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 (compatible; PetalBot;+https://webmaster.petalsearch.com/site/petalbot)", "114.119.133", 30},
	{"Mozilla/5.0 (compatible; DotBot/1.2; +https://opensiteexplorer.org/dotbot; help@moz.com)", "216.244.66", 3},
	{"facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "173.252.87", 22},
	{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_10_1) AppleWebKit/600.2.5 (KHTML, like Gecko) Version/8.0.2 Safari/600.2.5 (Amazonbot/0.1; +https://developer.amazon.com/support/amazonbot)", "52.70.240", 25},
	{"Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)", "216.144.250", 4},
	{"python-requests/2.32.3", "18.185.22", 3}, {"Go-http-client/1.1", "3.121.77", 4}, {"okhttp/4.12.0", "52.28.101", 8}, {"curl/8.10.1", "91.12.140", 2},
}

// doors are what scanners try.
var doors = []string{
	"/wp-login.php", "/.env", "/xmlrpc.php", "/.git/config", "/wp-admin/setup-config.php", "/admin/login.php", "/phpmyadmin/index.php",
	"/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", "/cgi-bin/luci/;stok=/locale", "/actuator/health", "/server-status", "/boaform/admin/formLogin",
}

var scanners = []string{
	"Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/51.0.2704.103 Safari/537.36", "Mozilla/5.0 zgrab/0.x",
	"-", "python-requests/2.27.1", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/83.0.4103.61 Safari/537.36",
}
