slopn_fuzz(resolv_conf SOURCES resolv_conf.cpp LIBS slopn::platform_linux)
